/* 2.3: the running task is not in the queue; policy[0] links, policy[1] says "can run". */
#include <stddef.h>

#include "scheduler.h"
#include "syscall.h"
#include "task.h"

static struct task *first, **last = &first;

static void append(struct task *task)
{
    task->policy[0] = 0;
    *last = task;
    last = (struct task **)&task->policy[0];
}

static void enqueue(struct task *task)
{
    task->policy[1] = 1;
    if (task != current_task)
        append(task);
}

static void dequeue(struct task *task)
{
    task->policy[1] = 0; /* it is the current one, which stands nowhere */
}

static struct task *pick(void)
{
    /* It may have been woken by an interrupt while it was idling. */
    if (current_task->policy[1])
        append(current_task);
    struct task *task = first;
    if (!task)
        return NULL;
    first = (struct task *)task->policy[0];
    if (!first)
        last = &first;
    return task;
}

static bool tick(struct task *task)
{
    return task == current_task;
}

static const struct scheduler_ops chain = {enqueue, dequeue, pick, tick};
PROVIDE(scheduler, 2, chain);

static long sys_yield(struct task *task, const uint64_t args[6])
{
    (void)args;
    need_resched = tick(task); /* at the way back to user mode is soon enough */
    return 0;
}
SYSCALL(SYS_SCHED_YIELD, sys_yield);
