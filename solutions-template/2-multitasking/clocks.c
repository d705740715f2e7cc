/*
 * Task 2.6: what a program may ask of the kernel about time and about itself.
 */
#include <stdbool.h>

#include "errno.h"
#include "platform.h"
#include "syscall.h"
#include "task.h"
#include "time.h"
#include "timer.h"
#include "trap.h"
#include "user_memory.h"

/*
 * clock_gettime(clock, result): args[0], and args[1], the address of a struct timespec (time.h).  See
 * clock_gettime(2).
 *
 * The machine has one clock, the time CSR (time_now() in timer.h), so CLOCK_REALTIME and
 * CLOCK_MONOTONIC both say how long ago power-on was.  Returns 0, -EINVAL for any other clock,
 * -EFAULT when result is not the program's to write.
 */
static long sys_clock_gettime(struct task *task, const uint64_t args[6])
{
    /* TODO(2.6) */
    (void)task, (void)args;
    return -ENOSYS;
}
SYSCALL(SYS_CLOCK_GETTIME, sys_clock_gettime);

/*
 * gettimeofday(result, zone): args[0], the address of a struct timeval; the zone is obsolete and not
 * looked at.  See gettimeofday(2).  The same clock in microseconds; result may be NULL, and then
 * nothing is written.  Returns 0 or -EFAULT.
 */
static long sys_gettimeofday(struct task *task, const uint64_t args[6])
{
    /* TODO(2.6) */
    (void)task, (void)args;
    return -ENOSYS;
}
SYSCALL(SYS_GETTIMEOFDAY, sys_gettimeofday);

/*
 * A program makes a system call: count it in task->calls.  Its number, in a7, may be anything.
 *
 * Being of a higher level than lab 1's handler, this one is asked first.  Returns false: now let the
 * other do the work.
 */
static bool count_call(struct task *task, uint64_t cause)
{
    (void)cause;
    /* TODO(2.6) */
    (void)task;
    return false;
}
TRAP_HANDLER(CAUSE_USER_ECALL, 2, count_call);

/*
 * trace(request, id, data): args[0] to args[2].  Rung's own call; Linux has none like it.
 *
 *     0  returns the byte at address id, 0 to 255
 *     1  writes the low byte of data to address id, returns 0
 *     2  returns how often this task has made system call number id, this call included
 *
 * Returns -EFAULT when the byte is not the program's, -EINVAL for any other request, or for a
 * number from SYSCALL_LIMIT on.
 */
static long sys_trace(struct task *task, const uint64_t args[6])
{
    /* TODO(2.6) */
    (void)task, (void)args;
    return -ENOSYS;
}
SYSCALL(SYS_TRACE, sys_trace);
