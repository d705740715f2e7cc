/*
 * family.h: who has made whom, and who is told of whose end.  Lab 6, task 6.4.
 *
 *     kernel, pid 1 ----+-------------------+        children (and of its ended children: none, it asks at once)
 *                       |                   |
 *                   sh, pid 2           orphan, pid 7
 *                       |
 *            +----------+------- . . . . . .
 *            |                   .         :         ended: they have no memory and no files any more, only a
 *        sleep, pid 3        true, pid 4   :         pid and a wait status, until wait4() has told sh of them
 *
 * A process that has been started is in one list of one other process, its parent.
 */
#ifndef FAMILY_H
#define FAMILY_H

#include <stdbool.h>

#include "list.h"
#include "wait.h"

struct process;
struct task;

struct family {
    struct process *parent; /* NULL: it has not been started, or is the first of all */
    struct list children;   /* those that live, the eldest first */
    struct list ended;      /* those that have ended and of which nobody knows yet, in that order */
    struct list sibling;    /* in one of these two lists of the parent */
    struct wait_queue child_ended;
    bool is_awaited; /* task_wait() is to return it: the first process has started it itself */
};

/*
 * A process was started by another, its parent from now on.  The given default makes all processes children of the
 * first one.
 * Context: the child is runnable, and has not run.  Must not sleep.
 */
void process_set_parent(struct process *parent, struct process *child);

/*
 * All that a process did is done, and it is never to run again: its parent is to know, and its children
 * need another.  It is the current one still, so it must not be destroyed here.
 * Context: task_end().  Must not sleep.
 */
void process_exit_notify(struct process *process);

/* The first process: boot_task's. */
extern struct process *const first_process;

/* Let a process be the youngest child of another, whosever child it was.  For the two functions above. */
void family_add(struct process *parent, struct process *child);

/* Let it be the last of its parent's ended children, and wake who waits for one.  Likewise. */
void family_end(struct process *child);

/* Give a new process an empty family. */
void family_init(struct family *family);

/* The process with this pid, ended or not, or NULL. */
struct process *process_find(int pid);

#endif
