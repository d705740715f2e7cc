/*
 * Task 6.6: shares of the CPU: stride scheduling.
 */
#include <stdint.h>

#include "errno.h"
#include "heap.h"
#include "list.h"
#include "scheduler.h"
#include "syscall.h"
#include "task.h"

/*
 * Each task has a pass: how far it has come.  Whoever has come least far has the next turn, and a turn takes it on by a
 * stride that is the smaller the higher its priority (task->process->priority): with twice the priority half as
 * far, so twice as many turns.
 *
 * Who is new, or has slept, has come no less far than whoever has the present turn: else it would have all turns until
 * it had caught up.  Nor does sleeping take anybody back.
 *
 * A pass grows for ever, so it will wrap around some day: two of them are compared by their difference.  A new task has
 * none yet to compare.
 *
 * task->policy is yours: four words, all 0 in a new task.  heap.h has a queue that knows who is first.
 */

/* BEGIN SOLUTION 6.6 */
struct turn {
    struct heap_node node;
    uint64_t pass;
    uint64_t queued; /* is it in the queue? */
};
_Static_assert(sizeof(struct turn) <= sizeof(((struct task *)0)->policy), "task->policy");

enum { STRIDE_OF_1 = 1 << 20 };

static struct turn *turn_of(struct task *task)
{
    return (struct turn *)task->policy;
}

static bool comes_before(const struct heap_node *a, const struct heap_node *b)
{
    uint64_t pass_a = ((const struct turn *)a)->pass, pass_b = ((const struct turn *)b)->pass;
    return (int64_t)(pass_a - pass_b) < 0;
}

/* Who can run, but for the current task; and, until pick() comes to them, some who cannot any more. */
static struct heap queue = {.before = comes_before};
static uint64_t present; /* the pass of who has the present turn, before it */

static void join(struct turn *turn)
{
    if (turn->queued)
        return;
    turn->queued = true;
    heap_insert(&queue, &turn->node);
}
/* STUB
*/
/* END SOLUTION */

/* The contracts of these four are in scheduler.h. */
static void enqueue(struct task *task)
{
    /* BEGIN SOLUTION 6.6 */
    struct turn *turn = turn_of(task);
    if (!turn->queued && (int64_t)(turn->pass - present) < 0)
        turn->pass = present;
    join(turn);
    /* STUB
    slot_below(scheduler, 6)->enqueue(task);
    */
    /* END SOLUTION */
}

static void dequeue(struct task *task)
{
    /* BEGIN SOLUTION 6.6 */
    /* It is the current one, so in the queue only if it has not been picked yet: see pick(). */
    (void)task;
    /* STUB
    slot_below(scheduler, 6)->dequeue(task);
    */
    /* END SOLUTION */
}

static struct task *pick(void)
{
    /* BEGIN SOLUTION 6.6 */
    if (current_task->state == TASK_RUNNABLE)
        join(turn_of(current_task));
    struct heap_node *first;
    while ((first = heap_take(&queue))) {
        struct turn *turn = (struct turn *)first;
        struct task *task = container_of((uint64_t *)turn, struct task, policy[0]);
        turn->queued = false;
        if (task->state != TASK_RUNNABLE)
            continue;
        present = turn->pass;
        turn->pass += STRIDE_OF_1 / task->process->priority;
        return task;
    }
    return NULL;
    /* STUB
    return slot_below(scheduler, 6)->pick();
    */
    /* END SOLUTION */
}

static bool tick(struct task *task)
{
    /* BEGIN SOLUTION 6.6 */
    (void)task;
    return true;
    /* STUB
    return slot_below(scheduler, 6)->tick(task);
    */
    /* END SOLUTION */
}

static const struct scheduler_ops stride = {
    .enqueue = enqueue, .dequeue = dequeue, .pick = pick, .tick = tick};
PROVIDE(scheduler, 6, stride);

/*
 * set_priority(priority): args[0], all 64 bits of it; a call of our own.  From PRIORITY_MIN to PRIORITY_MAX (task.h) it is
 * the caller's from now on, and that of the children that it will make.
 * Returns the priority, or -EINVAL.
 */
static long sys_set_priority(struct task *task, const uint64_t args[6])
{
    /* BEGIN SOLUTION 6.6 */
    int64_t priority = (int64_t)args[0];
    if (priority < PRIORITY_MIN || priority > PRIORITY_MAX)
        return -EINVAL;
    task->process->priority = (unsigned)priority;
    return priority;
    /* STUB
    (void)task, (void)args;
    return -ENOSYS;
    */
    /* END SOLUTION */
}
SYSCALL(SYS_SET_PRIORITY, sys_set_priority);
