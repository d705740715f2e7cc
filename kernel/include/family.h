/*
 * family.h: slot families, who has made whom, and who is told of whose end.  Lab 6, task 6.4.
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
#include "slot.h"
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

struct families_ops {
    /* A process was started by another.  Level 0: all are children of the first process. */
    void (*born)(struct process *parent, struct process *child);

    /*
     * All that a process did is done, and it is never to run again: its parent is to know, and its children
     * need another.  It is the current one still, so its process_destroy() is somebody else's business.
     * To call: by task_end().  Not to sleep.
     */
    void (*ended)(struct process *process);
};
DECLARE_SLOT(families);

/* The first process: boot_task's. */
extern struct process *const first_process;

/* Let a process be the youngest child of another, whosever child it was.  For who serves the slot. */
void family_add(struct process *parent, struct process *child);

/* Let it be the last of its parent's ended children, and wake who waits for one.  Likewise. */
void family_end(struct process *child);

/* Give a new process an empty family. */
void family_init(struct family *family);

/* The process with this pid, ended or not, or NULL. */
struct process *process_find(int pid);

#endif
