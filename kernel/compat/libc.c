/*
 * libc.c: small calls that C libraries make when a program starts, and that need little behind them here.  See their
 * pages in section 2 of the Linux manual.
 */
#include <stddef.h>

#include "errno.h"
#include "mmap.h"
#include "signal.h"
#include "syscall.h"
#include "task.h"
#include "timer.h"
#include "user_memory.h"

/* For threads, of which there is one: nobody will ask for what these two are told. */
static long sys_set_tid_address(struct task *task, const uint64_t args[6])
{
    (void)args;
    return task->process->pid;
}
SYSCALL(SYS_SET_TID_ADDRESS, sys_set_tid_address);

static long sys_set_robust_list(struct task *task, const uint64_t args[6])
{
    enum { HEAD = 24 }; /* struct robust_list_head */
    (void)task;
    return args[1] == HEAD ? 0 : -EINVAL;
}
SYSCALL(SYS_SET_ROBUST_LIST, sys_set_robust_list);

/* Everybody is user 0, of group 0. */
static long zero(struct task *task, const uint64_t args[6])
{
    (void)task, (void)args;
    return 0;
}

static long sys_getuid(struct task *task, const uint64_t args[6])
{
    return zero(task, args);
}
SYSCALL(SYS_GETUID, sys_getuid);

static long sys_geteuid(struct task *task, const uint64_t args[6])
{
    return zero(task, args);
}
SYSCALL(SYS_GETEUID, sys_geteuid);

static long sys_getgid(struct task *task, const uint64_t args[6])
{
    return zero(task, args);
}
SYSCALL(SYS_GETGID, sys_getgid);

static long sys_getegid(struct task *task, const uint64_t args[6])
{
    return zero(task, args);
}
SYSCALL(SYS_GETEGID, sys_getegid);

/* prlimit64(pid, resource, new, old): args[0] to args[3].  Limits are what they are; who asks for that can have it. */
static long sys_prlimit64(struct task *task, const uint64_t args[6])
{
    enum { STACK = 3, FILES = 7, RESOURCES = 16 };
    struct {
        uint64_t soft, hard;
    } limit = {UINT64_MAX, UINT64_MAX}, wanted;
    if ((int)args[0] != 0 && (int)args[0] != task->process->pid)
        return -ESRCH;
    if ((uint32_t)args[1] >= RESOURCES)
        return -EINVAL;
    if ((uint32_t)args[1] == STACK)
        limit.soft = limit.hard = USER_STACK_MAX;
    else if ((uint32_t)args[1] == FILES)
        limit.soft = limit.hard = PROCESS_FILES;
    if (args[2]) {
        long error = user_memory->in(task, &wanted, args[2], sizeof(wanted));
        if (!error && wanted.soft > wanted.hard)
            error = -EINVAL;
        else if (!error && (wanted.soft != limit.soft || wanted.hard != limit.hard))
            error = -EPERM;
        if (error)
            return error;
    }
    return args[3] ? user_memory->out(task, args[3], &limit, sizeof(limit)) : 0;
}
SYSCALL(SYS_PRLIMIT64, sys_prlimit64);

/*
 * getrandom(buffer, size, flags): args[0] to args[2].  The machine has no source of randomness: these numbers come
 * from the clock, and are good for hash tables only.
 */
static long sys_getrandom(struct task *task, const uint64_t args[6])
{
    enum { FLAGS = 7, MOST = 256 };
    static uint64_t state;
    uint8_t bytes[MOST];
    size_t size = args[1] < MOST ? args[1] : MOST;
    if ((uint32_t)args[2] & ~(uint32_t)FLAGS)
        return -EINVAL;
    state ^= time_now() | 1;
    for (size_t i = 0; i < size; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        bytes[i] = (uint8_t)(state >> 24);
    }
    long error = user_memory->out(task, args[0], bytes, size);
    return error ? error : (long)size;
}
SYSCALL(SYS_GETRANDOM, sys_getrandom);

static long sys_uname(struct task *task, const uint64_t args[6])
{
    /* struct new_utsname (include/uapi/linux/utsname.h).  The release is a Linux that has all that libraries look for. */
    static const struct {
        char system[65], node[65], release[65], version[65], machine[65], domain[65];
    } names = {"Linux", "rung", "6.1.0", "Rung", "riscv64", "(none)"};
    return user_memory->out(task, args[0], &names, sizeof(names));
}
SYSCALL(SYS_UNAME, sys_uname);

/* struct sigaction of riscv64. */
struct action {
    uint64_t handler, flags, mask;
};
enum { SIG_DFL = 0, SIG_IGN = 1 };

/*
 * rt_sigaction(signal, action, old, mask_size): args[0] to args[3].  A signal can be ignored or not; that a program's
 * function is to be called is noted, and then the signal does what it does by default.
 */
static long sys_rt_sigaction(struct task *task, const uint64_t args[6])
{
    struct process *process = task->process;
    int signal = (int)args[0];
    struct action action;
    if (args[3] != sizeof(action.mask) || signal < 1 || signal >= SIGNALS ||
        (args[1] && (signal == SIGKILL || signal == SIGSTOP)))
        return -EINVAL;
    uint64_t bit = 1UL << (signal - 1);
    if (args[1]) {
        long error = user_memory->in(task, &action, args[1], sizeof(action));
        if (error)
            return error;
    }
    if (args[2]) {
        struct action old = {.handler = process->ignored_signals & bit ? SIG_IGN : SIG_DFL};
        long error = user_memory->out(task, args[2], &old, sizeof(old));
        if (error)
            return error;
    }
    if (args[1] && action.handler == SIG_IGN)
        process->ignored_signals |= bit;
    else if (args[1])
        process->ignored_signals &= ~bit;
    return 0;
}
SYSCALL(SYS_RT_SIGACTION, sys_rt_sigaction);

/* rt_sigprocmask(how, set, old, size): args[0] to args[3].  No signal waits: there is nothing to be kept back. */
static long sys_rt_sigprocmask(struct task *task, const uint64_t args[6])
{
    enum { SIG_SETMASK = 2 }; /* the last that there is */
    static const uint64_t none;
    uint64_t set;
    if (args[3] != sizeof(none))
        return -EINVAL;
    long error = args[1] ? user_memory->in(task, &set, args[1], sizeof(set)) : 0;
    if (!error && args[1] && (uint32_t)args[0] > SIG_SETMASK)
        error = -EINVAL;
    if (error)
        return error;
    return args[2] ? user_memory->out(task, args[2], &none, sizeof(none)) : 0;
}
SYSCALL(SYS_RT_SIGPROCMASK, sys_rt_sigprocmask);

/* tgkill(process, task, signal): args[0] to args[2].  A process has one task, whose number is its own. */
static long sys_tgkill(struct task *task, const uint64_t args[6])
{
    const int process = (int)args[0], member = (int)args[1];
    if (process <= 0 || member <= 0)
        return -EINVAL;
    const uint64_t kill[6] = {args[0], args[2]};
    return process == member ? syscall_table[SYS_KILL](task, kill) : -ESRCH;
}
SYSCALL(SYS_TGKILL, sys_tgkill);
