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

/* What gettimeofday() has beyond lab 2's: the time zone that nobody uses, which is zero. */
static long (*lower_timeofday)(struct task *task, const uint64_t args[6]);

static long timeofday(struct task *task, const uint64_t args[6])
{
    static const int32_t zone[2];
    long error = lower_timeofday(task, args);
    return error || !args[1] ? error : user_memory->out(task, args[1], zone, sizeof(zone));
}

/* Be asked before lab 2, where it is linked. */
static void more_clocks(void)
{
    lower = syscall_table[SYS_CLOCK_GETTIME];
    if (lower)
        syscall_table[SYS_CLOCK_GETTIME] = gettime;
    lower_timeofday = syscall_table[SYS_GETTIMEOFDAY];
    if (lower_timeofday)
        syscall_table[SYS_GETTIMEOFDAY] = timeofday;
}
INITCALL(0, more_clocks);

/* Is it one of the clocks above, or of lab 2's? */
static bool is_clock(int clock)
{
    return clock >= CLOCK_REALTIME && clock <= CLOCK_BOOTTIME;
}

/* clock_getres(clock, result): args[0], and args[1], which may be NULL.  All clocks count ticks of the same timer. */
static long sys_clock_getres(struct task *task, const uint64_t args[6])
{
    if (!is_clock((int)args[0]))
        return -EINVAL;
    struct timespec tick = {0, (int64_t)(SECOND / platform.timebase)};
    return args[1] ? user_memory->out(task, args[1], &tick, sizeof(tick)) : 0;
}
SYSCALL(SYS_CLOCK_GETRES, sys_clock_getres);

/* Read a time that is to be set, of seconds and parts: it must be one.  0, -EFAULT or -EINVAL. */
static long check_time(struct task *task, uint64_t address, int64_t parts)
{
    int64_t time[2];
    long error = user_memory->in(task, time, address, sizeof(time));
    return error ? error : time[0] < 0 || time[1] < 0 || time[1] >= parts ? -EINVAL : 0;
}

/* settimeofday(time, zone): the clock cannot be set. */
static long sys_settimeofday(struct task *task, const uint64_t args[6])
{
    int32_t zone[2];
    long error = args[0] ? check_time(task, args[0], 1000001) : 0;
    if (!error && args[1])
        error = user_memory->in(task, zone, args[1], sizeof(zone));
    return error ? error : args[0] || args[1] ? -EPERM : 0;
}
SYSCALL(SYS_SETTIMEOFDAY, sys_settimeofday);

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
