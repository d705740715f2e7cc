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
 * All of this lies on the trampoline page.  From lab 3 on the page is mapped at one address in every
 * address space, so code here may only jump within the page.
 */
#include "riscv.h"
#include "user_context.h"

    .option norelax
    .section .trampoline, "ax"

    .globl user_run
    .balign 4
user_run:
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
