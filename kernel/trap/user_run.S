/*
 * user_run.S: user mode as a function call.
 *
 *     uint64_t user_run(struct user_context *context);
 *
 * enters user mode, and returns scause when the program traps:
 *
 *     kernel                    here                                 program
 *     user_run(context) ------> keep the kernel's registers
 *                               RESTORE_USER  (lab 1, task 1.1)
 *                               sret -----------------------------> runs
 *                                                                    ...
 *                               user_trap: <------------------------ traps
 *                               SAVE_USER     (lab 1, task 1.2)
 *     returns scause <--------- the kernel's registers again
 *
 * All but the first two instructions lie on the trampoline page.  From lab 3 on it is mapped at one
 * address in every address space, which is not the one that it was linked for: the next instruction
 * behind `csrw satp` is fetched by another page table, and must be there.
 *
 *      the kernel's space                 TRAMPOLINE                  a program's space
 *     +------------------+         +----------------------+         +------------------+
 *     | user_run: jr ------------> | user_enter: …        |         |                  |
 *     |                  |         |   csrw satp, …       |         |                  |
 *     | ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~ here the tables change ~~~~~~~~~~~~~~~~~~~~~~ |
 *     |                  |         |   sret -----------------------> | the program      |
 *     +------------------+         +----------------------+         +------------------+
 *
 * So code here may jump within the page, by relative jumps, and nowhere else: `call trap_dispatch`
 * would go as far as it is from the page *as linked* to trap_dispatch, but from where the page is now.
 * Who wants to leave needs a full address in a register, which ld (of a value that somebody stored) and
 * jr, or ret, have.
 */
#include "riscv.h"
#include "user_context.h"

    .option norelax
    .text
    .globl user_run
    .type user_run, @function
    .balign 4
user_run:
    ld t0, CONTEXT_ENTER(a0)
    jr t0
    .size user_run, . - user_run

    .section .trampoline, "ax"
    .globl user_enter
    .balign 4
user_enter:
    /* What C expects to find again: sp, and the registers that a callee saves. */
    addi sp, sp, -112
    sd ra, 0(sp)
    sd s0, 8(sp)
    sd s1, 16(sp)
    sd s2, 24(sp)
    sd s3, 32(sp)
    sd s4, 40(sp)
    sd s5, 48(sp)
    sd s6, 56(sp)
    sd s7, 64(sp)
    sd s8, 72(sp)
    sd s9, 80(sp)
    sd s10, 88(sp)
    sd s11, 96(sp)
    sd sp, CONTEXT_KERNEL_SP(a0)

    la t0, user_trap
    csrw stvec, t0
    ld t0, CONTEXT_USER_SATP(a0)
    ld a0, CONTEXT_SELF(a0)
    csrw sscratch, a0
    csrw satp, t0
    sfence.vma
    j restore_user

    .globl user_trap
    .balign 4
user_trap:
    /* a0 = context; the program's own a0 waits in sscratch. */
    csrrw a0, sscratch, a0

    /*
     * A trap from supervisor mode is a bug in RESTORE_USER.  (One in SAVE_USER comes with the
     * program's a0 in sscratch: it traps again and again, which QEMU's trap log shows.)
     */
    sd t0, CONTEXT_SCRATCH(a0)
    csrr t0, sstatus
    andi t0, t0, SSTATUS_SPP
    bnez t0, from_kernel
    ld t0, CONTEXT_SCRATCH(a0)
    j save_user

    .globl user_return
user_return:
    /* The context holds the program now, so every register is free. */
    csrr t0, stval
    sd t0, CONTEXT_STVAL(a0)
    ld t0, CONTEXT_KERNEL_SATP(a0)
    ld t1, CONTEXT_KERNEL_TRAP(a0)
    ld sp, CONTEXT_KERNEL_SP(a0)
    csrw satp, t0
    sfence.vma
    csrw stvec, t1
    csrr a0, scause
    ld ra, 0(sp)
    ld s0, 8(sp)
    ld s1, 16(sp)
    ld s2, 24(sp)
    ld s3, 32(sp)
    ld s4, 40(sp)
    ld s5, 48(sp)
    ld s6, 56(sp)
    ld s7, 64(sp)
    ld s8, 72(sp)
    ld s9, 80(sp)
    ld s10, 88(sp)
    ld s11, 96(sp)
    addi sp, sp, 112
    ret

from_kernel:
    ld t0, CONTEXT_KERNEL_SATP(a0)
    csrw satp, t0
    sfence.vma
    ld t0, CONTEXT_KERNEL_TRAP(a0)
    csrrw a0, sscratch, a0
    jr t0
