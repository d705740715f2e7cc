/*
 * scheduler.h: slots scheduler (who runs next) and switcher (how the CPU goes over).
 *
 * Level 0 (given) knows one task at a time, which is all that a batch system needs.  Lab 2: round
 * robin and the context switch; lab 6: stride.
 *
 * Concurrency: one hart; kernel code runs with interrupts off; the only switch points are wait_on,
 * yield and the return to user mode.
 */
#ifndef SCHEDULER_H
#define SCHEDULER_H

#include <stdbool.h>

#include "slot.h"

struct task;

struct scheduler_ops {
    void (*enqueue)(struct task *task); /* task has become runnable and is not queued */
    void (*dequeue)(struct task *task); /* task waits or has ended */
    struct task *(*pick)(void);         /* who runs next, or NULL when nobody can */
    bool (*tick)(struct task *task);    /* a timer interrupt hit task: is its turn over? */
};
DECLARE_SLOT(scheduler);

struct switcher_ops {
    /* Save the kernel's registers for from and go on where to left off. */
    void (*go)(struct task *from, struct task *to);
};
DECLARE_SLOT(switcher);

/*
 * Give the CPU to whoever pick() names; idle (wfi) while that is nobody.  Returns when it is the
 * caller's turn again.  To call: from a task, at a switch point.
 */
void schedule(void);

#endif
