/*
 * kernel_trap.S: a trap while the kernel itself ran.  It is a kernel bug, so this path never
 * returns: it keeps the registers for the panic's message and moves to a stack that is certainly
 * good.
 */
#include "user_context.h"

    .section .text
    .globl kernel_trap
    .balign 4
kernel_trap:
    csrw sscratch, t0
    la t0, kernel_trap_registers
    .irp n, 1,2,3,4,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd x\n, CONTEXT_X(\n)(t0)
    .endr
    csrr t1, sscratch
    sd t1, CONTEXT_X(5)(t0)
    la sp, kernel_trap_stack_top
    mv a0, t0
    call kernel_trap_panic

    .section .bss
    .balign 16
kernel_trap_registers:
    .skip 256
    .skip 8192
kernel_trap_stack_top:
