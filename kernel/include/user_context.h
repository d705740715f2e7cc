/*
 * user_context.h: what the kernel keeps of a program while the program is not running.
 *
 * Register xN lies at 8 * N, so `sd t0, CONTEXT_X(5)(a0)` stores t0 (x5) when a0 points here.
 * The offsets serve the assembly, the struct serves C, and the assertions hold them together.
 *
 *        offset
 *             0 +--------------+
 *               | (unused)     |  x0 is always zero
 *             8 | x1   ra      |
 *            16 | x2   sp      |  the program's registers, as RESTORE_USER loads
 *               |  ...         |  them and SAVE_USER stores them (lab 1)
 *           248 | x31  t6      |
 *           256 +--------------+
 *               | sepc         |  where the program goes on
 *           264 | sstatus      |  with SPP = 0: sret goes to user mode
 *               +--------------+
 *           272 | stval        |  filled by the entry code: the faulting address
 *           280 | kernel_sp    |
 *           288 | kernel_satp  |  what the entry code needs to come back
 *           296 | kernel_trap  |  to the kernel
 *           304 | user_satp    |
 *           312 | self         |  this struct's address under user_satp
 *           320 | scratch      |
 *           328 | enter        |  user_enter's address, on the trampoline that is used
 *           336 +--------------+
 */
#ifndef USER_CONTEXT_H
#define USER_CONTEXT_H

#define CONTEXT_X(n) (8 * (n))
#define CONTEXT_SEPC 256
#define CONTEXT_SSTATUS 264
#define CONTEXT_STVAL 272
#define CONTEXT_KERNEL_SP 280
#define CONTEXT_KERNEL_SATP 288
#define CONTEXT_KERNEL_TRAP 296
#define CONTEXT_USER_SATP 304
#define CONTEXT_SELF 312
#define CONTEXT_SCRATCH 320
#define CONTEXT_ENTER 328

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

/* Indices into x[] that C code names. */
enum { X_RA = 1, X_SP = 2, X_GP = 3, X_TP = 4, X_A0 = 10, X_A7 = 17 };

struct user_context {
    uint64_t x[32];
    uint64_t sepc;
    uint64_t sstatus;
    uint64_t stval;
    uint64_t kernel_sp;
    uint64_t kernel_satp;
    uint64_t kernel_trap;
    uint64_t user_satp;
    uint64_t self;
    uint64_t scratch;
    uint64_t enter;
};

_Static_assert(offsetof(struct user_context, x[31]) == CONTEXT_X(31), "user_context");
_Static_assert(offsetof(struct user_context, sepc) == CONTEXT_SEPC, "user_context");
_Static_assert(offsetof(struct user_context, sstatus) == CONTEXT_SSTATUS, "user_context");
_Static_assert(offsetof(struct user_context, stval) == CONTEXT_STVAL, "user_context");
_Static_assert(offsetof(struct user_context, kernel_sp) == CONTEXT_KERNEL_SP, "user_context");
_Static_assert(offsetof(struct user_context, kernel_satp) == CONTEXT_KERNEL_SATP, "user_context");
_Static_assert(offsetof(struct user_context, kernel_trap) == CONTEXT_KERNEL_TRAP, "user_context");
_Static_assert(offsetof(struct user_context, user_satp) == CONTEXT_USER_SATP, "user_context");
_Static_assert(offsetof(struct user_context, self) == CONTEXT_SELF, "user_context");
_Static_assert(offsetof(struct user_context, scratch) == CONTEXT_SCRATCH, "user_context");
_Static_assert(offsetof(struct user_context, enter) == CONTEXT_ENTER, "user_context");

/* Say that the program runs without paging, and by the trampoline as it was linked. */
void user_context_init(struct user_context *context);

/*
 * Run the program whose state *context holds, in user mode, until it traps.
 *
 * Returns scause: why it stopped (CAUSE_INTERRUPT set for an interrupt).  On return *context holds
 * the program's registers, sepc, sstatus and stval as they were at the trap.
 * To call: interrupts off.  kernel/trap/user_run.S; lab 1 writes what it includes.
 */
uint64_t user_run(struct user_context *context);
#endif

#endif
