/*
 * start.S: the kernel's first instructions.
 *
 * The firmware jumps here in supervisor mode with a0 = hart number, a1 = device tree, paging off,
 * interrupts off, and no stack that is ours.  C needs a stack, zeroed bss, and nothing else.
 */
#include "riscv.h"

    .section .text.start, "ax"
    .globl _start
_start:
    la sp, boot_stack_top

    /* Zero bss.  It starts and ends 16-byte aligned (kernel.ld). */
    la t0, bss_start
    la t1, bss_end
1:  bgeu t0, t1, 2f
    sd zero, 0(t0)
    sd zero, 8(t0)
    addi t0, t0, 16
    j 1b
2:
    /* Traps now reach the kernel's own vector, so that an early mistake is seen. */
    la t0, kernel_trap
    csrw stvec, t0
    csrw sie, zero

    /*
     * A first trap in supervisor mode would leave SPP set.  Set it now, so that nobody leans on
     * its value after reset: who goes to user mode clears it himself.
     */
    li t0, SSTATUS_SPP
    csrs sstatus, t0

    /* A frame pointer of zero ends every backtrace. */
    li s0, 0
    li ra, 0
    call kmain
1:  wfi
    j 1b

    .section .bss
    .balign 4096
    .skip 4096 /* from lab 3 on nobody can touch this page: who needs more stack is stopped here */
    .globl boot_stack
boot_stack:
    .skip 16384 /* BOOT_STACK_SIZE in memory.h */
    .globl boot_stack_top
boot_stack_top:
