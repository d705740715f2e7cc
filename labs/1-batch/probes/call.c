/*
 * call.c: a system call of the probes, number 509, which returns a sum of all its arguments in 64
 * bits.  Those of lab 1 have small results and few arguments.
 */
#include "errno.h"
#include "syscall.h"
#include "task.h"

static long sum_of_arguments(struct task *task, const uint64_t args[6])
{
    static const uint64_t weights[6] = {1, 3, 5, 7, 11, 13};
    uint64_t sum = 0;
    for (int i = 0; i < 6; i++)
        sum += args[i] * weights[i];
    return task == current_task ? (long)sum : -EINVAL;
}
SYSCALL(509, sum_of_arguments);
