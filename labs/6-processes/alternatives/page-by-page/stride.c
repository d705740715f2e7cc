/* 6.6: a list of all that can run, searched for the one that has come least far; a turn is charged when it is over. */
#include "errno.h"
#include "list.h"
#include "scheduler.h"
#include "syscall.h"
#include "task.h"

enum { PASS, LISTED, CHARGED };
#define FAR (UINT64_C(1) << 32)

static struct list runnable = LIST_INIT(runnable);
static uint64_t now;

static bool is_behind(uint64_t a, uint64_t b)
{
    return (int64_t)(a - b) < 0;
}

/* What the turn that it has had costs. */
static void charge(struct task *task)
{
    if (task->policy[CHARGED])
        task->policy[PASS] += FAR / task->process->priority;
    task->policy[CHARGED] = false;
}

static void enqueue(struct task *task)
{
    charge(task);
    if (is_behind(task->policy[PASS], now))
        task->policy[PASS] = now;
    if (!task->policy[LISTED])
        list_append(&runnable, &task->run_node);
    task->policy[LISTED] = true;
}

static void dequeue(struct task *task)
{
    charge(task);
    if (task->policy[LISTED])
        list_remove(&task->run_node);
    task->policy[LISTED] = false;
}

static struct task *pick(void)
{
    charge(current_task);
    struct task *best = NULL;
    for (struct list *l = runnable.next; l != &runnable; l = l->next) {
        struct task *task = container_of(l, struct task, run_node);
        if (!best || is_behind(task->policy[PASS], best->policy[PASS]))
            best = task;
    }
    if (!best)
        return NULL;
    now = best->policy[PASS];
    best->policy[CHARGED] = true;
    return best;
}

static bool tick(struct task *task)
{
    return task == current_task;
}

static const struct scheduler_ops by_searching = {
    .enqueue = enqueue, .dequeue = dequeue, .pick = pick, .tick = tick};
PROVIDE(scheduler, 6, by_searching);

static long sys_set_priority(struct task *task, const uint64_t args[6])
{
    if (args[0] < PRIORITY_MIN || args[0] > PRIORITY_MAX)
        return -EINVAL;
    task->process->priority = (unsigned)args[0];
    return (long)args[0];
}
SYSCALL(SYS_SET_PRIORITY, sys_set_priority);
