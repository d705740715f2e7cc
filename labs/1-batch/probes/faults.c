/*
 * faults.c: what the handlers of faults say to every exception of a program, also to those that none can
 * raise in lab 1 (bootargs probe=faults).  Bit n of the result's second word: cause n ends a program by its signal.
 */
#include "platform.h"
#include "riscv.h"
#include "runner.h"
#include "signal.h"
#include "string.h"
#include "task.h"
#include "trap.h"

extern uint64_t probe_result[2];

static void ask(uint64_t cause, int signal)
{
    struct process *process = process_create("asked");
    if (!process)
        return;
    trap_dispatch(&process->task, cause);
    if (process->task.dying && process->task.wait_status == status_killed(signal))
        probe_result[1] |= 1UL << cause;
    process_destroy(process);
}

static __attribute__((noinline)) void probe_faults(void)
{
    ask(CAUSE_FETCH_MISALIGNED, SIGBUS);
    ask(CAUSE_FETCH_ACCESS, SIGSEGV);
    ask(CAUSE_ILLEGAL_INSTRUCTION, SIGILL);
    ask(CAUSE_BREAKPOINT, SIGTRAP);
    ask(CAUSE_LOAD_MISALIGNED, SIGBUS);
    ask(CAUSE_LOAD_ACCESS, SIGSEGV);
    ask(CAUSE_STORE_MISALIGNED, SIGBUS);
    ask(CAUSE_STORE_ACCESS, SIGSEGV);
    ask(CAUSE_FETCH_PAGE, SIGSEGV);
    ask(CAUSE_LOAD_PAGE, SIGSEGV);
    ask(CAUSE_STORE_PAGE, SIGSEGV);
}

static void run_probe(void)
{
    char name[12];
    if (!platform_option("probe", name, sizeof(name)) || strcmp(name, "faults") != 0) {
        const struct runner_ops *lower = slot_below(runner, 8);
        lower->run();
        return;
    }
    probe_faults();
}

static const struct runner_ops prober = {.run = run_probe};
PROVIDE(runner, 8, prober);
