/*
 * switch.h: what the kernel keeps of a task that does not have the CPU.
 *
 * A task that gives up the CPU is in the middle of a call: schedule() called context_switch(), which
 * "has not returned".  Its frames lie on the task's own kernel stack; what C expects to find
 * again when context_switch() returns goes here.
 *
 *     struct switch_context                        kernel stack of the task
 *
 *       0 +------------+                     high +--------------------------+
 *         | ra         | ---> into schedule()     | task_begin, task_run     |
 *       8 | sp         | -----------------.       | trap_dispatch            |
 *         +------------+                  |       | a system call or handler |
 *      16 | s0         |                  |       | schedule                 |
 *         |  ...       |                  '-----> +--------------------------+ <- sp
 *     104 | s11        |                          |  free                    |
 *         +------------+                          |                          |
 *     112 | f0         |                          +--------------------------+
 *         |  ...       |  the program's      low  | canary                   | <- task->stack
 *     360 | f31        |  floating-point          +--------------------------+
 *     368 | fcsr       |  state
 *     376 +------------+
 *
 * ra and sp stand where task_start() puts the first ones; the rest is between the two halves of
 * context_switch().
 * Source: RISC-V ABIs Specification 1.0, "Register Convention" (what a callee saves).
 */
#ifndef SWITCH_H
#define SWITCH_H

#define SWITCH_RA 0
#define SWITCH_SP 8
#define SWITCH_S(n) (16 + 8 * (n))
#define SWITCH_F(n) (112 + 8 * (n))
#define SWITCH_FCSR 368

#define SWITCH_CANARY 0x5ca1a000 /* no pointer, no small number, and one instruction */

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

struct switch_context {
    uint64_t ra, sp, s[12];
    uint64_t f[32], fcsr;
};

_Static_assert(offsetof(struct switch_context, ra) == SWITCH_RA, "switch_context");
_Static_assert(offsetof(struct switch_context, sp) == SWITCH_SP, "switch_context");
_Static_assert(offsetof(struct switch_context, s[11]) == SWITCH_S(11), "switch_context");
_Static_assert(offsetof(struct switch_context, f[31]) == SWITCH_F(31), "switch_context");
_Static_assert(offsetof(struct switch_context, fcsr) == SWITCH_FCSR, "switch_context");

/*
 * Keep the kernel's callee-saved registers, ra, sp and the floating-point state in *from, load those
 * of *to, and return: to where `to` called this from, on its stack.  To the caller it looks like a
 * call that takes long.
 *
 * Lab 2, task 2.2 writes what kernel/sched/context_switch.S includes; until then it is context_call().
 * Context: schedule(), which calls it at a switch point.
 */
void context_switch(struct switch_context *from, struct switch_context *to);

/*
 * The same, as far as it goes without saving anything: if `to` has never run, its whole life as an
 * ordinary call on the caller's stack.  It cannot go back to a task in mid-life: that is a panic.
 */
void context_call(struct switch_context *from, struct switch_context *to);
#endif

#endif
