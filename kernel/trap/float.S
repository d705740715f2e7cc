/*
 * float.S: the only floating-point instructions of the kernel, which is integer-only otherwise.
 */
#include "riscv.h"

    .option arch, +d
    .section .text
    .globl float_clear
    .balign 4
float_clear:
    li t0, SSTATUS_FS_INITIAL
    csrs sstatus, t0
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fmv.d.x f\n, zero
    .endr
    fscsr zero
    li t0, SSTATUS_FS
    csrc sstatus, t0
    ret
