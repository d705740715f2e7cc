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
    /* TODO(1.5) */
    (void)task, (void)cause;
    return false;
}
TRAP_HANDLER(TRAP_ANY_FAULT, 1, on_fault);
