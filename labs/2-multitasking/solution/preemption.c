/*
 * Task 2.4: the timer takes the CPU from a program that does not give it up.
 */
#include "platform.h"
#include "riscv.h"
#include "scheduler.h"
#include "slot.h"
#include "timer.h"
#include "trap.h"

/* How long a time slice is, in milliseconds. */
enum { SLICE_MS = 10 };

/* A slice in ticks of the time CSR; platform.timebase of them are a second. */
static uint64_t slice(void)
{
    return platform.timebase * SLICE_MS / 1000;
}

/*
 * Called once at boot: let timer interrupts through (SIE_STIE in the CSR sie: riscv.h), and ask for
 * the first (timer_set() in timer.h).
 */
static void start_timer(void)
{
    /* BEGIN SOLUTION 2.4 */
    timer_set(time_now() + slice());
    csr_set(sie, SIE_STIE);
    /* STUB
    (void)slice;
    */
    /* END SOLUTION */
}
INITCALL(2, start_timer);

/*
 * The timer has rung, while task ran in user mode or while the CPU was idle.
 *
 * Ask for the next interrupt, a slice from now, or from when this one was due: until you do, this one
 * comes again and again.  Ask
 * the scheduler whether task's turn is over (scheduler->tick()), and if so have it give up the CPU
 * before it goes back to user mode (need_resched in scheduler.h).  Do not switch here: the other
 * handlers of this interrupt have not been asked yet.
 *
 * Returns true: the interrupt has been dealt with.
 */
static bool on_timer(struct task *task, uint64_t cause)
{
    (void)cause;
    /* BEGIN SOLUTION 2.4 */
    timer_set(time_now() + slice());
    if (scheduler->tick(task))
        need_resched = true;
    return true;
    /* STUB
    (void)task;
    return false;
    */
    /* END SOLUTION */
}
TRAP_HANDLER(CAUSE_TIMER, 2, on_timer);
