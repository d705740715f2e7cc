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

/* TODO(2.3) */

static void enqueue(struct task *task)
{
    /* TODO(2.3) */
    (void)task;
}

static void dequeue(struct task *task)
{
    /* TODO(2.3) */
    (void)task;
}

static struct task *pick(void)
{
    /* TODO(2.3) */
    return first_runnable();
}

/* A turn is one time slice long, and the timer rings once a slice. */
static bool tick(struct task *task)
{
    /* TODO(2.3) */
    (void)task;
    return false;
}

static const struct scheduler_ops round_robin = {
    .enqueue = enqueue, .dequeue = dequeue, .pick = pick, .tick = tick};
PROVIDE(scheduler, 2, round_robin);

/* sched_yield(): every other runnable task has a turn before the caller's next.  Returns 0. */
static long sys_sched_yield(struct task *task, const uint64_t args[6])
{
    (void)task, (void)args;
    /* TODO(2.3) */
    return -ENOSYS;
}
SYSCALL(SYS_SCHED_YIELD, sys_sched_yield);
