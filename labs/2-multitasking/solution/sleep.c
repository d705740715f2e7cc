/*
 * Task 2.5: nanosleep: wait without using the CPU.
 */
#include <stdbool.h>

#include "errno.h"
#include "list.h"
#include "platform.h"
#include "syscall.h"
#include "task.h"
#include "time.h"
#include "timer.h"
#include "trap.h"
#include "user_memory.h"
#include "wait.h"

/* Where everyone waits who sleeps. */
static struct wait_queue sleeping = WAIT_QUEUE_INIT(sleeping);

/* BEGIN SOLUTION 2.5 */
/* A call of nanosleep in progress; it lies on the sleeper's kernel stack. */
struct sleeper {
    struct list node;
    struct task *task;
    uint64_t until;
};
static struct list sleepers = LIST_INIT(sleepers);

/* A time in ticks, rounded up; one that no counter reaches is UINT64_MAX. */
static uint64_t ticks(const struct timespec *time)
{
    uint64_t rest = ((uint64_t)time->tv_nsec * platform.timebase + 999999999) / 1000000000;
    uint64_t result;
    if (__builtin_mul_overflow((uint64_t)time->tv_sec, platform.timebase, &result) ||
        __builtin_add_overflow(result, rest, &result))
        return UINT64_MAX;
    return result;
}
/* STUB
*/
/* END SOLUTION */

/*
 * nanosleep(request, remaining): args[0] and args[1] are addresses of struct timespec (time.h).  See
 * nanosleep(2).
 *
 * Sleep for at least the time at request: in a wait queue (wait.h), so that others have the CPU, or
 * that it idles if there are none.  Returns 0; -EFAULT when request is not the program's to read;
 * -EINVAL when its seconds are negative or its nanoseconds not from 0 to 999,999,999.  remaining is
 * for a sleep that is cut short, which nothing here does yet.
 *
 * A time may be as long as 64 bits can say: whoever sleeps for ever must not wake at once because
 * a sum wrapped.
 */
static long sys_nanosleep(struct task *task, const uint64_t args[6])
{
    /* BEGIN SOLUTION 2.5 */
    struct timespec request;
    long error = user_memory->in(task, &request, args[0], sizeof(request));
    if (error)
        return error;
    if (request.tv_sec < 0 || request.tv_nsec < 0 || request.tv_nsec >= 1000000000)
        return -EINVAL;

    struct sleeper sleeper = {.task = task};
    if (__builtin_add_overflow(time_now(), ticks(&request), &sleeper.until))
        sleeper.until = UINT64_MAX;
    list_append(&sleepers, &sleeper.node);
    while (!error && time_now() < sleeper.until)
        error = wait_on(&sleeping);
    list_remove(&sleeper.node);
    return error;
    /* STUB
    (void)task, (void)args, (void)sleeping;
    return -ENOSYS;
    */
    /* END SOLUTION */
}
SYSCALL(SYS_NANOSLEEP, sys_nanosleep);

/*
 * The timer has rung: make everyone runnable whose time has come (wake_task() in wait.h).
 *
 * Returns false: others want to know of this interrupt too.
 */
static bool wake_sleepers(struct task *task, uint64_t cause)
{
    (void)task, (void)cause;
    /* BEGIN SOLUTION 2.5 */
    uint64_t now = time_now();
    for (struct list *l = sleepers.next; l != &sleepers; l = l->next) {
        struct sleeper *sleeper = container_of(l, struct sleeper, node);
        if (now >= sleeper->until)
            wake_task(sleeper->task);
    }
    /* STUB
    */
    /* END SOLUTION */
    return false;
}
TRAP_HANDLER(CAUSE_TIMER, 2, wake_sleepers);
