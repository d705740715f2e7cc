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
    /* BEGIN SOLUTION 6.4 */
    family_add(parent, child);
    /* STUB
    (void)parent;
    family_add(first_process, child);
    */
    /* END SOLUTION */
}

void process_exit_notify(struct process *process)
{
    /* BEGIN SOLUTION 6.4 */
    struct list *lists[] = {&process->family.children, &process->family.ended};
    for (int ended = 0; ended < 2; ended++) {
        while (!list_empty(lists[ended])) {
            struct process *child =
                container_of(lists[ended]->next, struct process, family.sibling);
            family_add(first_process, child);
            if (ended)
                family_end(child);
        }
    }
    family_end(process);
    /* STUB
    family_end(process);
    */
    /* END SOLUTION */
}

/* BEGIN SOLUTION 6.4 */
/* Is a process what wait4() was asked for? */
static bool is_meant(const struct process *child, int pid)
{
    if (pid == -1)
        return true;
    return pid > 0 ? child->pid == pid
                   : child->group == (pid == 0 ? child->family.parent->group : -pid);
}

/* The first of a list that is meant, or NULL. */
static struct process *find(const struct list *children, int pid)
{
    for (struct list *l = children->next; l != children; l = l->next) {
        struct process *child = container_of(l, struct process, family.sibling);
        if (is_meant(child, pid))
            return child;
    }
    return NULL;
}
/* STUB
*/
/* END SOLUTION */

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
    /* BEGIN SOLUTION 6.4 */
    struct process *process = task->process, *child;
    struct family *family = &process->family;
    int pid = (int)args[0], options = (int)args[2];
    if (options & ~(WNOHANG | WUNTRACED | WCONTINUED))
        return -EINVAL;
    while (!(child = find(&family->ended, pid))) {
        if (!find(&family->children, pid))
            return -ECHILD;
        if (options & WNOHANG)
            return 0;
        long error = wait_on(&family->child_ended);
        if (error)
            return error;
    }
    long result = child->pid;
    int status = child->task.wait_status;
    if (args[1] && user_memory->out(task, args[1], &status, sizeof(status)) != 0)
        result = -EFAULT;
    if (args[3] && usage_out(task, args[3], child) != 0)
        result = -EFAULT;
    usage_add(process, child);
    process_destroy(child);
    return result;
    /* STUB
    (void)task, (void)args;
    return -ENOSYS;
    */
    /* END SOLUTION */
}
SYSCALL(SYS_WAIT4, sys_wait4);
