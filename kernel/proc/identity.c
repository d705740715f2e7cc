/* identity.c: who is who: the system calls that ask, and the one that ends. */
#include "family.h"
#include "signal.h"
#include "syscall.h"
#include "task.h"

static long sys_getpid(struct task *task, const uint64_t args[6])
{
    (void)args;
    return task->process->pid;
}
SYSCALL(SYS_GETPID, sys_getpid);

static long sys_gettid(struct task *task, const uint64_t args[6])
{
    return sys_getpid(task, args);
}
SYSCALL(SYS_GETTID, sys_gettid);

/* The parent of a process that no program created is the first process: in lab 1, which starts no task, too. */
static long sys_getppid(struct task *task, const uint64_t args[6])
{
    (void)args;
    const struct process *parent = task->process->family.parent;
    return parent ? parent->pid : first_process->pid;
}
SYSCALL(SYS_GETPPID, sys_getppid);

/* A process has one task, so all of its tasks end with it. */
static long sys_exit_group(struct task *task, const uint64_t args[6])
{
    task_exit(task, status_exited(args[0]));
    return 0;
}
SYSCALL(SYS_EXIT_GROUP, sys_exit_group);
