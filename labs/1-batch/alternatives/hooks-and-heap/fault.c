/* Faults: a chain of questions, and the end before the report. */
#include "signal.h"
#include "task.h"
#include "trap.h"

static int signal_of(uint64_t cause)
{
    if (cause == CAUSE_ILLEGAL_INSTRUCTION)
        return SIGILL;
    if (cause == CAUSE_BREAKPOINT)
        return SIGTRAP;
    bool misaligned = cause == CAUSE_FETCH_MISALIGNED || cause == CAUSE_LOAD_MISALIGNED ||
                      cause == CAUSE_STORE_MISALIGNED;
    return misaligned ? SIGBUS : SIGSEGV;
}

static bool fatal(struct task *task, uint64_t cause)
{
    task_exit(task, status_killed(signal_of(cause)));
    trap_report_fault(task, cause, task->wait_status & 0x7f);
    return task->dying;
}
TRAP_HANDLER(TRAP_ANY_FAULT, 1, fatal);
