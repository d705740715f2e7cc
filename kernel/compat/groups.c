/*
 * groups.c: process groups and sessions, by which shells address all processes of a job.  See setpgid(2), setsid(2),
 * credentials(7).  A job of the deck begins with a group and a session of its own.  No group is in the foreground: the
 * terminal does not ask for groups.
 */
#include "errno.h"
#include "family.h"
#include "syscall.h"
#include "task.h"

/* The process that a call means by a pid, 0 being the caller; NULL when there is none. */
static struct process *named(struct task *task, int pid)
{
    return pid == 0 ? task->process : process_find(pid);
}

/* Is there a process of this group in this session? */
static bool has_group(int session, int group)
{
    for (struct task *task = NULL; (task = task_next(task));)
        if (task->process->group == group && task->process->session == session)
            return true;
    return false;
}

/* setpgid(pid, group): args[0] and args[1].  Of the caller, or of a child that has not yet called execve(). */
static long sys_setpgid(struct task *task, const uint64_t args[6])
{
    int pid = (int)args[0], group = (int)args[1];
    if (group == 0)
        group = pid;
    if (group < 0)
        return -EINVAL;
    const struct process *caller = task->process;
    struct process *process = named(task, pid);
    if (!process || (process != caller && process->family.parent != caller))
        return -ESRCH;
    if (process != caller && process->session != caller->session)
        return -EPERM;
    if (process != caller && process->has_renewed)
        return -EACCES;
    if (process->session == process->pid)
        return -EPERM;
    if (group == 0)
        group = process->pid;
    if (group != process->pid && !has_group(caller->session, group))
        return -EPERM;
    process->group = group;
    return 0;
}
SYSCALL(SYS_SETPGID, sys_setpgid);

static long sys_getpgid(struct task *task, const uint64_t args[6])
{
    const struct process *process = named(task, (int)args[0]);
    return process ? process->group : -ESRCH;
}
SYSCALL(SYS_GETPGID, sys_getpgid);

static long sys_getsid(struct task *task, const uint64_t args[6])
{
    const struct process *process = named(task, (int)args[0]);
    return process ? process->session : -ESRCH;
}
SYSCALL(SYS_GETSID, sys_getsid);

/* setsid(): not for a process whose pid is the number of a group. */
static long sys_setsid(struct task *task, const uint64_t args[6])
{
    (void)args;
    struct process *process = task->process;
    for (struct task *other = NULL; (other = task_next(other));)
        if (other->process->group == process->pid)
            return -EPERM;
    process->group = process->session = process->pid;
    return process->pid;
}
SYSCALL(SYS_SETSID, sys_setsid);
