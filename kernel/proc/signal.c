/* signal.c: signals, as far as there are any: a process ends, or does not. */
#include "signal.h"

#include "errno.h"
#include "family.h"
#include "syscall.h"
#include "task.h"
#include "wait.h"

#define BIT(signal) (1UL << ((signal)-1))

/* Which do nothing unless a program asks for something else: signal(7).  Those that would stop it are among them. */
static const uint64_t harmless = BIT(SIGCHLD) | BIT(SIGURG) | BIT(SIGWINCH) | BIT(SIGCONT) |
                                 BIT(SIGSTOP) | BIT(SIGTSTP) | BIT(SIGTTIN) | BIT(SIGTTOU);

void process_signal(struct process *process, int signal)
{
    struct task *task = &process->task;
    uint64_t ignored = harmless | (process->ignored_signals & ~BIT(SIGKILL));
    if (process == first_process || task->state == TASK_FINISHED || (ignored & BIT(signal)))
        return;
    task_exit(task, status_killed(signal));
    if (task->interruptible)
        wake_task(task);
}

/* Is a process one of those that kill(pid, …) of a caller is about? */
static bool is_target(const struct process *process, const struct process *caller, int pid)
{
    if (pid > 0)
        return process->pid == pid;
    if (pid == -1)
        return process != caller;
    return process->group == (pid == 0 ? caller->group : -pid);
}

/*
 * kill(pid, signal): args[0] and args[1].  pid 0 means the caller's process group, less than -1 the group -pid, and -1
 * every process but the first and the caller.  Signal 0 only asks whether there is such a process.
 * Returns 0, -EINVAL, -ESRCH.
 */
static long sys_kill(struct task *task, const uint64_t args[6])
{
    int pid = (int)args[0], signal = (int)args[1];
    if (signal < 0 || signal >= SIGNALS)
        return -EINVAL;
    if (pid == INT32_MIN)
        return -ESRCH;
    long result = -ESRCH;
    if (pid == first_process->pid)
        return 0;
    for (struct task *other = NULL; (other = task_next(other));) {
        if (!is_target(other->process, task->process, pid))
            continue;
        result = 0;
        if (signal != 0)
            process_signal(other->process, signal);
    }
    return result;
}
SYSCALL(SYS_KILL, sys_kill);
