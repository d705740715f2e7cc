/*
 * Task 2.3: round robin, and the system call with which a program gives up its turn.
 */
#include "errno.h"
#include "list.h"
#include "scheduler.h"
#include "syscall.h"
#include "task.h"

/*
 * The contracts of these four are in scheduler.h.  Round robin: all runnable tasks stand in a ring,
 * each has one turn, and who has had it goes to the back.  A task that becomes runnable goes to the
 * back too.  None of them takes longer because there are more tasks.
 *
 * list.h has what you need; task->run_node is the scheduler's own.
 */

/* BEGIN SOLUTION 2.3 */
/* The runnable tasks in the order of their turns; the current one, if it can still run, is last. */
static struct list queue = LIST_INIT(queue);
/* STUB
*/
/* END SOLUTION */

static void enqueue(struct task *task)
{
    /* BEGIN SOLUTION 2.3 */
    list_append(&queue, &task->run_node);
    /* STUB
    (void)task;
    */
    /* END SOLUTION */
}

static void dequeue(struct task *task)
{
    /* BEGIN SOLUTION 2.3 */
    list_remove(&task->run_node);
    /* STUB
    (void)task;
    */
    /* END SOLUTION */
}

static struct task *pick(void)
{
    /* BEGIN SOLUTION 2.3 */
    if (list_empty(&queue))
        return NULL;
    struct list *first = queue.next;
    list_remove(first);
    list_append(&queue, first);
    return container_of(first, struct task, run_node);
    /* STUB
    return first_runnable();
    */
    /* END SOLUTION */
}

/* A turn is one time slice long, and the timer rings once a slice. */
static bool tick(struct task *task)
{
    /* BEGIN SOLUTION 2.3 */
    (void)task;
    return true;
    /* STUB
    (void)task;
    return false;
    */
    /* END SOLUTION */
}

static const struct scheduler_ops round_robin = {
    .enqueue = enqueue, .dequeue = dequeue, .pick = pick, .tick = tick};
PROVIDE(scheduler, 2, round_robin);

/* sched_yield(): every other runnable task has a turn before the caller's next.  Returns 0. */
static long sys_sched_yield(struct task *task, const uint64_t args[6])
{
    (void)task, (void)args;
    /* BEGIN SOLUTION 2.3 */
    schedule();
    return 0;
    /* STUB
    return -ENOSYS;
    */
    /* END SOLUTION */
}
SYSCALL(SYS_SCHED_YIELD, sys_sched_yield);
