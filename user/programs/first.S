/*
 * first: the first program a kernel can run. Enters user mode with nothing behind it: no stack
 * use, no write(), no library.
 *
 * Checks that it was started with every integer register but sp zero (a register that is not
 * holds something of the kernel's or of the program before), and prints straight to the UART
 *     Hello from user mode
 * or "register xN was not zero" with the first such N. Then it calls exit(0), again and again
 * should that return.
 *
 * Arguments: none. Linux: no (there is no UART to write to).
 */
#include <syscall.h>
#include <uart.h>

    .text
    .globl  _start
_start:
    .irp    n, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, \
            25, 26, 27, 28, 29, 30, 31
    bnez    x\n, not_zero_\n
    .endr

    CONSOLE_DIRECT hello
leave:
    li      a0, 0
    li      a7, SYS_exit
1:
    ecall
    j       1b

    .irp    n, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, \
            25, 26, 27, 28, 29, 30, 31
not_zero_\n:
    li      a0, \n
    j       report
    .endr

report:                                 /* a0: the register's number */
    CONSOLE_DIRECT register_x
    li      a1, 10
    divu    a2, a0, a1
    remu    a3, a0, a1
    addi    a2, a2, '0'
    addi    a3, a3, '0'
    bltu    a0, a1, 1f
    CONSOLE_DIRECT_BYTE a2
1:
    CONSOLE_DIRECT_BYTE a3
    CONSOLE_DIRECT was_not_zero
    j       leave

    .section .rodata
hello:
    .asciz  "Hello from user mode\n"
register_x:
    .asciz  "register x"
was_not_zero:
    .asciz  " was not zero\n"
