/*
 * Task 1.5: end a program that does what it may not, say why, and let the machine go on.
 */
#include "signal.h"
#include "task.h"
#include "trap.h"

/*
 * A program caused this exception, and it was no system call.
 *
 * It ends with the signal that Linux would send: SIGILL for an illegal instruction, SIGTRAP for a
 * breakpoint, SIGBUS for a misaligned address, SIGSEGV for everything else.  Report it with
 * trap_report_fault() (trap.h), end it with task_exit() (task.h, signal.h).
 *
 * Returns true: the trap has been dealt with.
 */
static bool on_fault(struct task *task, uint64_t cause)
{
    /* BEGIN SOLUTION 1.5 */
    int signal;

    switch (cause) {
    case CAUSE_ILLEGAL_INSTRUCTION:
        signal = SIGILL;
        break;
    case CAUSE_BREAKPOINT:
        signal = SIGTRAP;
        break;
    case CAUSE_FETCH_MISALIGNED:
    case CAUSE_LOAD_MISALIGNED:
    case CAUSE_STORE_MISALIGNED:
        signal = SIGBUS;
        break;
    default:
        signal = SIGSEGV;
        break;
    }
    trap_report_fault(task, cause, signal);
    task_exit(task, status_killed(signal));
    return true;
    /* STUB
    (void)task, (void)cause;
    return false;
    */
    /* END SOLUTION */
}
TRAP_HANDLER(TRAP_ANY_FAULT, 1, on_fault);
