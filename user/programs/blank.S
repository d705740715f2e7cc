/*
 * blank: does a program begin with registers that hold nothing of another's?
 *
 * Exits with the number of registers among x1, x3 to x31, f0 to f31 and fcsr that are not 0; sp is not one of them.
 * Arguments: none; prints nothing. Linux: yes.
 */
#include <syscall.h>

    .option norelax
    .text
    .globl  _start
_start:
    addi    sp, sp, -16
    sd      t0, 0(sp)
    sd      t1, 8(sp)
    snez    t0, ra
    .irp    n, 3, 4, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    snez    t1, x\n
    add     t0, t0, t1
    .endr
    ld      a0, 0(sp)
    snez    t1, a0
    add     t0, t0, t1
    ld      a0, 8(sp)
    snez    t1, a0
    add     t0, t0, t1
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fmv.x.d t1, f\n
    snez    t1, t1
    add     t0, t0, t1
    .endr
    frcsr   t1
    snez    t1, t1
    add     a0, t0, t1
    li      a7, SYS_exit
    ecall
