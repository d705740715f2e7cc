/* 6.4: families are found among all tasks. */
#include "errno.h"
#include "family.h"
#include "list.h"
#include "process.h"
#include "syscall.h"
#include "task.h"
#include "user_memory.h"
#include "wait.h"

void process_set_parent(struct process *parent, struct process *child)
{
    family_add(parent, child);
}

void process_exit_notify(struct process *process)
{
    for (struct task *task = NULL; (task = task_next(task));) {
        struct process *child = task->process;
        if (child->family.parent != process)
            continue;
        const bool has_ended = task->state == TASK_FINISHED;
        family_add(first_process, child);
        if (has_ended)
            family_end(child);
    }
    family_end(process);
}

/* The first of these that is wanted; pid below 1: any. */
static struct process *first_of(struct list *list, int pid)
{
    for (struct list *at = list->next; at != list; at = at->next) {
        struct process *process = container_of(at, struct process, family.sibling);
        if (pid < 1 || process->pid == pid)
            return process;
    }
    return NULL;
}

static long sys_wait4(struct task *task, const uint64_t args[6])
{
    struct process *self = task->process;
    const int pid = (int)args[0];
    const unsigned options = (unsigned)args[2], hang = 1, known = 1 | 2 | 8;
    struct process *child = NULL;
    if (options & ~known)
        return -EINVAL;
    for (;;) {
        child = first_of(&self->family.ended, pid);
        if (child)
            break;
        if (!first_of(&self->family.children, pid))
            return -ECHILD;
        if (options & hang)
            return 0;
        if (wait_on(&self->family.child_ended) != 0)
            return -EINTR;
    }
    long answer = child->pid;
    if (args[3] != 0 && usage_out(task, args[3], child) != 0)
        answer = -EFAULT;
    if (args[1] != 0) {
        const int32_t status = child->task.wait_status;
        if (user_memory->out(task, args[1], &status, sizeof(status)) != 0)
            answer = -EFAULT;
    }
    usage_add(self, child);
    process_destroy(child);
    return answer;
}
SYSCALL(SYS_WAIT4, sys_wait4);
