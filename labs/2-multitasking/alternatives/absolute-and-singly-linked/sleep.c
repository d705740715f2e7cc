/* 2.5: whoever sleeps looks at the clock himself, each time the timer has rung. */
#include <stdbool.h>

#include "errno.h"
#include "platform.h"
#include "syscall.h"
#include "time.h"
#include "timer.h"
#include "trap.h"
#include "user_memory.h"
#include "wait.h"

static struct wait_queue sleepers = WAIT_QUEUE_INIT(sleepers);

static long sys_nanosleep(struct task *task, const uint64_t args[6])
{
    struct timespec time;
    if (user_memory->in(task, &time, args[0], sizeof(time)))
        return -EFAULT;
    if (time.tv_sec < 0 || (uint64_t)time.tv_nsec > 999999999)
        return -EINVAL;
    uint64_t start = time_now();
    uint64_t seconds = (uint64_t)time.tv_sec;
    uint64_t ns_per_tick = 1000000000 / platform.timebase;
    uint64_t ticks = ((uint64_t)time.tv_nsec + ns_per_tick - 1) / ns_per_tick;
    /* A century is for ever: nothing here adds up to more than 64 bits. */
    if (seconds > 100UL * 366 * 86400)
        seconds = 100UL * 366 * 86400;
    ticks += seconds * platform.timebase;
    while (time_now() - start < ticks) {
        long error = wait_on(&sleepers);
        if (error)
            return error;
    }
    return 0;
}
SYSCALL(SYS_NANOSLEEP, sys_nanosleep);

static bool wake_sleepers(struct task *task, uint64_t cause)
{
    (void)task, (void)cause;
    wake_all(&sleepers);
    return false;
}
TRAP_HANDLER(CAUSE_TIMER, 2, wake_sleepers);
