/*
 * usage.c: what a program has used: getrusage(2).
 */
#include "errno.h"
#include "space.h"
#include "syscall.h"
#include "task.h"
#include "timer.h"
#include "user_memory.h"

enum { RUSAGE_SELF = 0, RUSAGE_CHILDREN = -1, RUSAGE_THREAD = 1 };

/* struct rusage of Linux, include/uapi/linux/resource.h; what is not counted stays 0. */
struct usage {
    int64_t user_seconds, user_microseconds;
    int64_t system_seconds, system_microseconds;
    int64_t max_resident, shared, data, stack;
    int64_t minor_faults, major_faults;
    int64_t others[8];
};
_Static_assert(sizeof(struct usage) == 144, "struct rusage");

/*
 * getrusage(who, usage): the time for which the program had the CPU, kernel and all, and how many of its
 * pages came when they were touched.  Returns 0, -EINVAL, -EFAULT.
 */
static long sys_getrusage(struct task *task, const uint64_t args[6])
{
    int who = (int)args[0];
    struct usage usage = {0};
    if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD)
        return -EINVAL;
    if (who != RUSAGE_CHILDREN) {
        uint64_t us = ticks_to_us(task->ran + time_now() - task->since);
        usage.user_seconds = (int64_t)(us / 1000000);
        usage.user_microseconds = (int64_t)(us % 1000000);
        if (task->process->space)
            usage.minor_faults = (int64_t)task->process->space->minor_faults;
    }
    return user_memory->out(task, args[1], &usage, sizeof(usage));
}
SYSCALL(SYS_GETRUSAGE, sys_getrusage);
