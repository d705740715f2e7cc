/* A table of signals, and a handler for each cause. */
#include "signal.h"
#include "task.h"
#include "trap.h"

static const int signals[16] = {
    [CAUSE_FETCH_MISALIGNED] = SIGBUS,    [CAUSE_FETCH_ACCESS] = SIGSEGV,
    [CAUSE_ILLEGAL_INSTRUCTION] = SIGILL, [CAUSE_BREAKPOINT] = SIGTRAP,
    [CAUSE_LOAD_MISALIGNED] = SIGBUS,     [CAUSE_LOAD_ACCESS] = SIGSEGV,
    [CAUSE_STORE_MISALIGNED] = SIGBUS,    [CAUSE_STORE_ACCESS] = SIGSEGV,
    [CAUSE_FETCH_PAGE] = SIGSEGV,         [CAUSE_LOAD_PAGE] = SIGSEGV,
    [CAUSE_STORE_PAGE] = SIGSEGV,
};

static bool end(struct task *task, uint64_t cause)
{
    task_exit(task, status_killed(signals[cause]));
    trap_report_fault(task, cause, signals[cause]);
    return true;
}
TRAP_HANDLER(CAUSE_FETCH_MISALIGNED, 1, end);
TRAP_HANDLER(CAUSE_FETCH_ACCESS, 1, end);
TRAP_HANDLER(CAUSE_ILLEGAL_INSTRUCTION, 1, end);
TRAP_HANDLER(CAUSE_BREAKPOINT, 1, end);
TRAP_HANDLER(CAUSE_LOAD_MISALIGNED, 1, end);
TRAP_HANDLER(CAUSE_LOAD_ACCESS, 1, end);
TRAP_HANDLER(CAUSE_STORE_MISALIGNED, 1, end);
TRAP_HANDLER(CAUSE_STORE_ACCESS, 1, end);
TRAP_HANDLER(CAUSE_FETCH_PAGE, 1, end);
TRAP_HANDLER(CAUSE_LOAD_PAGE, 1, end);
TRAP_HANDLER(CAUSE_STORE_PAGE, 1, end);
