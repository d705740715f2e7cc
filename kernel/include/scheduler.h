/*
 * scheduler.h: slot scheduler: who runs next.  How the CPU goes over is in switch.h.
 *
 * Level 0 (given) runs one task to its end before it begins another, which is all that a batch
 * system needs.  Lab 2: round robin and the context switch; lab 6: stride.
 *
 * Concurrency: one hart; kernel code runs with interrupts off; the only switch points are wait_on,
 * yield and the return to user mode.
 */
#ifndef SCHEDULER_H
#define SCHEDULER_H

#include <stdbool.h>

#include "slot.h"

struct task;

/* The scheduler's queue may use task->run_node and task->policy; nobody else touches them. */
struct scheduler_ops {
    /* task has become runnable: it was created, or has been woken. */
    void (*enqueue)(struct task *task);

    /*
     * The current task waits or has ended: pick() must not return it until it is enqueued again.
     *
     * task: always current_task; its state says already that it cannot run.  It has been picked before, with one
     * exception: boot_task is enqueued at boot while it runs, and it may wait before the first pick().  It stands in
     * the queue then, and must be taken out wherever it stands, or be skipped by pick().  A task that waits for its
     * first turn is never dequeued: one that is killed there is picked all the same, and ends in its turn.
     */
    void (*dequeue)(struct task *task);

    /*
     * The current task gives up its turn: who has the next?  It may be the current one again, as
     * long as it has not been dequeued.  NULL when no task can run.
     */
    struct task *(*pick)(void);

    /* A timer interrupt hit task: is its turn over? */
    bool (*tick)(struct task *task);
};
DECLARE_SLOT(scheduler);

/*
 * Give the CPU to whoever pick() names; idle (wfi) while that is nobody.  Returns when it is the
 * caller's turn again, at once when pick() names the caller.  To call: at a switch point.
 */
void schedule(void);

/*
 * How many wait for a device that answers when the host has got that far, not at a time of the machine's own:
 * a disk.  While there are any, an idle CPU looks for interrupts again and again instead of sleeping in wfi:
 * the grader's machine skips time for which the CPU sleeps, up to the next event of a timer, so each request
 * would cost a whole tick.  Who asks such a device adds one; its interrupt handler takes it back.
 */
extern unsigned idle_polls;

/*
 * Set this to have the current task give up its turn when it would next go back to user mode: what
 * an interrupt handler does, which is no switch point itself.  schedule() clears it.
 */
extern bool need_resched;

/* The first runnable task in the order of creation, the current one before all others; or NULL. */
struct task *first_runnable(void);

/* Make the thread of control that runs at boot a task, the current one.  Called once at boot. */
void scheduler_init(void);

#endif
