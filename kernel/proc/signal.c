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

/*
 * kill(pid, signal): args[0] and args[1].  -1 means everybody but the first process and the caller; 0 everybody
 * but the first, for there is just one group.  Signal 0 only asks whether there is such a process.
 * Returns 0, -EINVAL, -ESRCH.
 */
static long sys_kill(struct task *task, const uint64_t args[6])
{
    int pid = (int)args[0], signal = (int)args[1];
    if (signal < 0 || signal >= SIGNALS)
        return -EINVAL;
    long result = -ESRCH;
    if (pid == first_process->pid)
        return 0;
    for (struct task *other = NULL; (other = task_next(other));) {
        struct process *process = other->process;
        if (process->pid != pid && pid != 0 && !(pid == -1 && other != task))
            continue;
        result = 0;
        if (signal != 0)
            process_signal(process, signal);
    }
    return result;
}
SYSCALL(SYS_KILL, sys_kill);
