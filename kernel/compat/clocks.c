/*
 * clocks.c: the clocks of Linux that C libraries read beside those of lab 2, and sleep by.  See clock_gettime(2),
 * clock_nanosleep(2).
 */
#include <stdbool.h>

#include "errno.h"
#include "platform.h"
#include "slot.h"
#include "syscall.h"
#include "task.h"
#include "time.h"
#include "timer.h"
#include "user_memory.h"

enum {
    CLOCK_PROCESS_CPUTIME_ID = 2,
    CLOCK_THREAD_CPUTIME_ID = 3,
    CLOCK_MONOTONIC_RAW = 4,
    CLOCK_REALTIME_COARSE = 5,
    CLOCK_MONOTONIC_COARSE = 6,
    CLOCK_BOOTTIME = 7,
};
enum { SECOND = 1000000000 }; /* nanoseconds */

static struct timespec timespec_of(uint64_t ticks)
{
    uint64_t hz = platform.timebase;
    return (struct timespec){(int64_t)(ticks / hz), (int64_t)(ticks % hz * SECOND / hz)};
}

/* Lab 2's system call. */
static long (*lower)(struct task *task, const uint64_t args[6]);

/* What lab 2 does not know: the machine's clock under other names, and what a process has had of the CPU. */
static long gettime(struct task *task, const uint64_t args[6])
{
    uint64_t ticks = time_now();
    switch ((int)args[0]) {
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID:
        ticks = task->ran + ticks - task->since;
        break;
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
        break;
    default:
        return lower(task, args);
    }
    struct timespec time = timespec_of(ticks);
    return user_memory->out(task, args[1], &time, sizeof(time));
}

/* Be asked before lab 2, where it is linked. */
static void more_clocks(void)
{
    lower = syscall_table[SYS_CLOCK_GETTIME];
    if (lower)
        syscall_table[SYS_CLOCK_GETTIME] = gettime;
}
INITCALL(0, more_clocks);

/* times(result): args[0]: struct tms, in hundredths of a second; for the machine's clock, too, which it returns. */
static long sys_times(struct task *task, const uint64_t args[6])
{
    const struct process *process = task->process;
    const uint64_t per_second = 100, ticks = platform.timebase / per_second, now = time_now();
    /* Of itself, in programs and in the kernel, which are not told apart; then the same of ended children. */
    const int64_t result[4] = {(int64_t)((task->ran + now - task->since) / ticks), 0,
                               (int64_t)(process->children_ran / ticks), 0};
    long error = args[0] ? user_memory->out(task, args[0], result, sizeof(result)) : 0;
    return error ? error : (long)(now / ticks);
}
SYSCALL(SYS_TIMES, sys_times);

/*
 * How long it is until a time, for nanosleep(): to a place below the stack of the program, where nothing of its own
 * is (Linux does the same for signals).  *place is the address.  Returns 0 or an error.
 */
static long distance_out(struct task *task, const struct timespec *until, uint64_t *place)
{
    struct timespec now = timespec_of(time_now()), rest = {0, 0};
    if (until->tv_sec > now.tv_sec ||
        (until->tv_sec == now.tv_sec && until->tv_nsec > now.tv_nsec)) {
        bool borrow = until->tv_nsec < now.tv_nsec;
        rest.tv_sec = until->tv_sec - now.tv_sec - borrow;
        rest.tv_nsec = until->tv_nsec - now.tv_nsec + (borrow ? SECOND : 0);
    }
    *place = (task->user.x[X_SP] & ~15UL) - sizeof(rest);
    return user_memory->out(task, *place, &rest, sizeof(rest));
}

/* clock_nanosleep(clock, flags, time, rest): args[0] to args[3].  The time is a distance, or with TIMER_ABSTIME not. */
static long sys_clock_nanosleep(struct task *task, const uint64_t args[6])
{
    enum { TIMER_ABSTIME = 1 };
    struct timespec until;
    uint64_t sleep[6] = {args[2], args[3]};
    int clock = (int)args[0];
    if (clock >= CLOCK_MONOTONIC_RAW && clock <= CLOCK_MONOTONIC_COARSE)
        return -EOPNOTSUPP;
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME)
        return -EINVAL;
    if (!syscall_table[SYS_NANOSLEEP])
        return -ENOSYS;
    if (args[1] & TIMER_ABSTIME) {
        long error = user_memory->in(task, &until, args[2], sizeof(until));
        if (!error && (until.tv_sec < 0 || until.tv_nsec < 0 || until.tv_nsec >= SECOND))
            error = -EINVAL;
        if (!error)
            error = distance_out(task, &until, &sleep[0]);
        if (error)
            return error;
        sleep[1] = 0;
    }
    return syscall_table[SYS_NANOSLEEP](task, sleep);
}
SYSCALL(SYS_CLOCK_NANOSLEEP, sys_clock_nanosleep);
