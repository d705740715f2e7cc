/* family.c: who belongs to whom, and what serves until lab 6: everybody is the first process's. */
#include "family.h"

#include "slot.h"
#include "task.h"

void family_init(struct family *family)
{
    family->parent = NULL;
    list_init(&family->children);
    list_init(&family->ended);
    list_init(&family->sibling);
    list_init(&family->child_ended.tasks);
}

void family_add(struct process *parent, struct process *child)
{
    list_remove(&child->family.sibling);
    child->family.parent = parent;
    list_append(&parent->family.children, &child->family.sibling);
}

void family_end(struct process *child)
{
    struct family *family = &child->family.parent->family;
    list_remove(&child->family.sibling);
    list_append(&family->ended, &child->family.sibling);
    wake_all(&family->child_ended);
}

struct process *process_find(int pid)
{
    struct task *task = NULL;
    while ((task = task_next(task)) && task->process->pid != pid)
        ;
    return task ? task->process : NULL;
}

static void belongs_to_the_first(struct process *parent, struct process *child)
{
    (void)parent;
    family_add(first_process, child);
}
DEFAULT(process_set_parent, belongs_to_the_first);
DEFAULT(process_exit_notify, family_end);
