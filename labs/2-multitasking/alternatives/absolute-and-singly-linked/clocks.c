/* 2.6: the same by other sums. */
#include <stdbool.h>

#include "errno.h"
#include "platform.h"
#include "syscall.h"
#include "task.h"
#include "time.h"
#include "timer.h"
#include "trap.h"
#include "user_memory.h"

static long sys_clock_gettime(struct task *task, const uint64_t args[6])
{
    struct timespec now;
    uint64_t ticks = time_now();
    if ((unsigned)args[0] > 1)
        return -EINVAL;
    now.tv_sec = (int64_t)(ticks / platform.timebase);
    now.tv_nsec = (int64_t)((ticks - (uint64_t)now.tv_sec * platform.timebase) *
                            (1000000000 / platform.timebase));
    return user_memory->out(task, args[1], &now, sizeof(now)) ? -EFAULT : 0;
}
SYSCALL(SYS_CLOCK_GETTIME, sys_clock_gettime);

static long sys_gettimeofday(struct task *task, const uint64_t args[6])
{
    uint64_t us = time_now() / (platform.timebase / 1000000);
    struct timeval now = {(int64_t)(us / 1000000), (int64_t)(us % 1000000)};
    return args[0] ? user_memory->out(task, args[0], &now, sizeof(now)) : 0;
}
SYSCALL(SYS_GETTIMEOFDAY, sys_gettimeofday);

static bool count(struct task *task, uint64_t cause)
{
    (void)cause;
    if (task->user.x[X_A7] < SYSCALL_LIMIT)
        ++task->calls[task->user.x[X_A7]];
    return false;
}
TRAP_HANDLER(CAUSE_USER_ECALL, 2, count);

static long sys_trace(struct task *task, const uint64_t args[6])
{
    unsigned char byte;
    if (args[0] == 0)
        return user_memory->in(task, &byte, args[1], 1) ? -EFAULT : (long)byte;
    if (args[0] == 1) {
        byte = args[2] & 0xff;
        return user_memory->out(task, args[1], &byte, 1);
    }
    if (args[0] != 2 || args[1] >= SYSCALL_LIMIT)
        return -EINVAL;
    return task->calls[args[1]];
}
SYSCALL(SYS_TRACE, sys_trace);
