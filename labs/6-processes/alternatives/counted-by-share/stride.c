/* 6.6: a list in the order of passes, which have 32 bits. */
#include "errno.h"
#include "list.h"
#include "scheduler.h"
#include "syscall.h"
#include "task.h"

enum { ONE = 1 << 22 };

static struct list waiting = LIST_INIT(waiting); /* who can run and does not, the next one first */
static uint32_t latest;                          /* the pass with which somebody was picked last */

static uint32_t pass_of(const struct task *task)
{
    return (uint32_t)task->policy[0];
}

static struct task *task_at(struct list *node)
{
    return container_of(node, struct task, run_node);
}

static bool later(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) > 0;
}

/* Behind all that are not later: from the end, where most belong. */
static void line_up(struct task *task)
{
    struct list *at = waiting.prev;
    while (at != &waiting && later(pass_of(task_at(at)), pass_of(task)))
        at = at->prev;
    list_append(at->next, &task->run_node); /* before the one behind it */
}

static void enqueue(struct task *task)
{
    list_remove(&task->run_node);
    if (later(latest, pass_of(task)))
        task->policy[0] = latest;
    line_up(task);
}

static void dequeue(struct task *task)
{
    list_remove(&task->run_node);
}

static struct task *pick(void)
{
    if (current_task->state == TASK_RUNNABLE) {
        list_remove(&current_task->run_node);
        line_up(current_task);
    }
    if (list_empty(&waiting))
        return NULL;
    struct task *task = task_at(waiting.next);
    list_remove(&task->run_node);
    latest = pass_of(task);
    task->policy[0] = latest + ONE / task->process->priority;
    return task;
}

static bool tick(struct task *task)
{
    (void)task;
    return true;
}

static const struct scheduler_ops in_a_row = {
    .enqueue = enqueue, .dequeue = dequeue, .pick = pick, .tick = tick};
PROVIDE(scheduler, 6, in_a_row);

static long sys_set_priority(struct task *task, const uint64_t args[6])
{
    if (args[0] - PRIORITY_MIN > PRIORITY_MAX - PRIORITY_MIN)
        return -EINVAL;
    task->process->priority = (unsigned)args[0];
    return (long)args[0];
}
SYSCALL(SYS_SET_PRIORITY, sys_set_priority);
