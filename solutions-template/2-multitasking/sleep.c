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

/* TODO(2.5) */

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
    /* TODO(2.5) */
    (void)task, (void)args, (void)sleeping;
    return -ENOSYS;
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
    /* TODO(2.5) */
    return false;
}
TRAP_HANDLER(CAUSE_TIMER, 2, wake_sleepers);
