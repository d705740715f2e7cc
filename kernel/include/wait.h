/*
 * wait.h: wait queues: tasks that sleep until something happens.
 *
 *     while (!condition)
 *         if ((error = wait_on(&queue)))
 *             return error;
 *
 * There is one hart and no preemption in the kernel, so nothing can happen between the test and
 * the wait.
 */
#ifndef WAIT_H
#define WAIT_H

#include <stdint.h>

#include "list.h"

struct task;

struct wait_queue {
    struct list tasks;
};
#define WAIT_QUEUE_INIT(name)   \
    {                           \
        LIST_INIT((name).tasks) \
    }

/*
 * Sleep until wake_all(queue).  Returns 0, or -EINTR when the current task is dying: it must then
 * undo what it holds and return.  To call: from a task, at a switch point.
 */
long wait_on(struct wait_queue *queue);

/*
 * The same for what must not be left undone: who is dying waits, too, and does not hear of it.  For a disk, and what
 * is soon over.
 */
void wait_uninterruptible(struct wait_queue *queue);

/*
 * A lock that may be held while its owner sleeps.  Waiters get it in the order in which they came, so one that comes
 * again and again does not keep others out.  All zero is a free lock.  It does not nest.
 *
 * Hold one for what is soon over only (a disk, a page fault; never another process): the wait is uninterruptible, and
 * a task that is dying gets its turn, too.
 */
struct sleep_lock {
    uint64_t drawn, called; /* numbers: the next to be drawn, and that of the owner */
    struct wait_queue waiting;
};

/* Context: a task, at a switch point. */
void sleep_lock_take(struct sleep_lock *lock);

/* To call: by the owner.  Does not sleep. */
void sleep_lock_release(struct sleep_lock *lock);

/* Make every task that waits on queue runnable, in the order in which they came. */
void wake_all(struct wait_queue *queue);

/* Make one task runnable if it waits anywhere (it is dying, or its time-out has come). */
void wake_task(struct task *task);

#endif
