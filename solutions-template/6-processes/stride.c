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

/* TODO(6.6) */

/* The contracts of these four are in scheduler.h. */
static void enqueue(struct task *task)
{
    /* TODO(6.6) */
    slot_below(scheduler, 6)->enqueue(task);
}

static void dequeue(struct task *task)
{
    /* TODO(6.6) */
    slot_below(scheduler, 6)->dequeue(task);
}

static struct task *pick(void)
{
    /* TODO(6.6) */
    return slot_below(scheduler, 6)->pick();
}

static bool tick(struct task *task)
{
    /* TODO(6.6) */
    return slot_below(scheduler, 6)->tick(task);
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
    /* TODO(6.6) */
    (void)task, (void)args;
    return -ENOSYS;
}
SYSCALL(SYS_SET_PRIORITY, sys_set_priority);
