/*
 * usage.c: what a program has used: getrusage(2).
 */
#include "errno.h"
#include "process.h"
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

static struct usage usage_of(uint64_t ticks, uint64_t faults)
{
    uint64_t us = ticks_to_us(ticks);
    return (struct usage){
        .user_seconds = (int64_t)(us / 1000000),
        .user_microseconds = (int64_t)(us % 1000000),
        .minor_faults = (int64_t)faults,
    };
}

/*
 * getrusage(who, usage): the time for which the program had the CPU, kernel and all, and how many of its
 * pages came when they were touched; or the same of its children that have been waited for, with theirs.
 * Returns 0, -EINVAL, -EFAULT.
 */
static long sys_getrusage(struct task *task, const uint64_t args[6])
{
    int who = (int)args[0];
    const struct process *process = task->process;
    if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD)
        return -EINVAL;
    struct usage usage = who == RUSAGE_CHILDREN
                             ? usage_of(process->children_ran, process->children_faults)
                             : usage_of(task->ran + time_now() - task->since,
                                        process->space ? process->space->minor_faults : 0);
    return user_memory->out(task, args[1], &usage, sizeof(usage));
}
SYSCALL(SYS_GETRUSAGE, sys_getrusage);

long usage_out(struct task *task, uint64_t to, const struct process *child)
{
    struct usage usage =
        usage_of(child->task.ran + child->children_ran, child->faults + child->children_faults);
    return user_memory->out(task, to, &usage, sizeof(usage));
}

void usage_add(struct process *parent, const struct process *child)
{
    parent->children_ran += child->task.ran + child->children_ran;
    parent->children_faults += child->faults + child->children_faults;
}
