/*
 * trap.h: from a trap in user mode to the function that deals with it.
 */
#ifndef TRAP_H
#define TRAP_H

#include <stdbool.h>
#include <stdint.h>

#include "riscv.h"

struct task;

/* As a cause in TRAP_HANDLER: every exception but a system call (no interrupt either). */
#define TRAP_ANY_FAULT 0xfaUL

struct trap_handler {
    uint64_t cause;
    bool (*function)(struct task *task, uint64_t cause);
    const char *name;
};

/*
 * Have function asked about traps with this cause (a CAUSE_… of riscv.h, or TRAP_ANY_FAULT):
 *
 *     bool function(struct task *task, uint64_t cause);
 *
 * It returns true when it has dealt with the trap, false to pass it on.  Handlers are asked from
 * the highest level down, those of one level in no promised order; about an exception until one
 * has dealt with it, about an interrupt all of them, for it may concern several.
 * level: a literal digit, the lab's number.
 */
#define TRAP_HANDLER(cause_, level_, function_)                                         \
    static const struct trap_handler trap_handler_##function_##_##cause_                \
        __attribute__((used, section(".trap_handlers." #level_))) = {cause_, function_, \
                                                                     #function_}

/*
 * Deal with a trap that stopped task: ask the handlers.  When none takes it, print a dump of the
 * program's state and power off.
 */
void trap_dispatch(struct task *task, uint64_t cause);

/* Have one more function asked about a cause, after all others: for what is known when the machine has begun. */
void trap_ask(uint64_t cause, bool (*function)(struct task *task, uint64_t cause));

/* Sort the handlers by cause.  Called once at boot. */
void trap_init(void);

/* "load access fault" for CAUSE_LOAD_ACCESS, and so on; never NULL. */
const char *trap_cause_name(uint64_t cause);

/*
 * End of a report about a program that did something it may not: tell why on the console, in the
 * form that the grader reads.  It only reports: ending the program is the caller's business.
 *
 * cause: scause; signal: the Linux signal that the program ends with (signal.h).
 */
void trap_report_fault(const struct task *task, uint64_t cause, int signal);

/* The name of integer register xN by the calling convention: 2 gives "sp".  n: 0-31. */
const char *register_name(int n);

#endif
