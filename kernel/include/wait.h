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

/* Make every task that waits on queue runnable, in the order in which they came. */
void wake_all(struct wait_queue *queue);

/* Make one task runnable if it waits anywhere (it is dying, or its time-out has come). */
void wake_task(struct task *task);

#endif
