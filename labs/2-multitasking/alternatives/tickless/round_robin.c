/* 2.3: the running task is first in the queue; its turn is over when it has used its slice. */
#include "list.h"
#include "platform.h"
#include "scheduler.h"
#include "syscall.h"
#include "task.h"
#include "timer.h"

static struct list queue = LIST_INIT(queue);

static void enqueue(struct task *task)
{
    list_append(&queue, &task->run_node);
}

static void dequeue(struct task *task)
{
    list_remove(&task->run_node);
}

static struct task *pick(void)
{
    /* Who stands first and is the current one has had its turn. */
    if (!list_empty(&queue) && queue.next == &current_task->run_node) {
        list_remove(&current_task->run_node);
        list_append(&queue, &current_task->run_node);
    }
    if (list_empty(&queue))
        return NULL;
    return container_of(queue.next, struct task, run_node);
}

/* An interrupt for a sleeper ends nobody's turn. */
static bool tick(struct task *task)
{
    return time_now() - task->since + platform.timebase / 10000 >= platform.timebase / 100;
}

static const struct scheduler_ops first_runs = {enqueue, dequeue, pick, tick};
PROVIDE(scheduler, 2, first_runs);

static long sys_sched_yield(struct task *task, const uint64_t args[6])
{
    (void)task, (void)args;
    schedule();
    return 0;
}
SYSCALL(SYS_SCHED_YIELD, sys_sched_yield);
