/*
 * Task 6.4: what becomes of those that have ended, and of those whom they leave behind.
 */
#include "errno.h"
#include "family.h"
#include "process.h"
#include "syscall.h"
#include "task.h"
#include "user_memory.h"
#include "wait.h"

/*
 * The contracts of these two are in family.h: family_add() and family_end() put a process where it belongs.
 *
 * Who ends leaves its children to the first process: those that live, to be its children; those that have ended, to be
 * asked for by it.  Then it is one of its own parent's ended children.
 */
void process_set_parent(struct process *parent, struct process *child)
{
    /* TODO(6.4) */
    (void)parent;
    family_add(first_process, child);
}

void process_exit_notify(struct process *process)
{
    /* TODO(6.4) */
    family_end(process);
}

/* TODO(6.4) */

enum { WNOHANG = 1, WUNTRACED = 2, WCONTINUED = 8 };

/*
 * wait4(pid, status, options, usage): args[0] to args[3].  See wait4(2).  pid and options are ints.
 *
 * Wait until a child has ended: the one with this pid, or with -1 any, and of several the one that ended first.
 * With 0 it is any of the caller's process group (process->group in task.h), with less than -1 any of the group -pid.
 * With WNOHANG do not wait.  The other two options are about children that are stopped, which none ever is.
 *
 * Its wait status, an int, goes to `status`, and usage_out() (process.h) tells what it has used; each unless the
 * address is 0.  Then it is gone: usage_add(), process_destroy().
 *
 * Returns its pid; 0 with WNOHANG when there is such a child, and it has not ended; -ECHILD when there is none;
 * -EINVAL for an option that is not known; -EFAULT when an address is no good: the child is gone all the same, as
 * on Linux; -EINTR when the caller ends while it waits.
 */
static long sys_wait4(struct task *task, const uint64_t args[6])
{
    /* TODO(6.4) */
    (void)task, (void)args;
    return -ENOSYS;
}
SYSCALL(SYS_WAIT4, sys_wait4);
