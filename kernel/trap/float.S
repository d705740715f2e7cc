/*
 * float.S: the only floating-point instructions of the kernel, which is integer-only otherwise.
 */
#include "riscv.h"
#include "switch.h"

    .option arch, +d
    .section .text

/* a0: a struct switch_context.  sstatus is to say what it said: whether the registers have been written to. */
    .globl float_keep
    .balign 4
float_keep:
    csrr t0, sstatus
    li t1, SSTATUS_FS_INITIAL
    csrs sstatus, t1
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fsd f\n, SWITCH_F(\n)(a0)
    .endr
    frcsr t1
    sd t1, SWITCH_FCSR(a0)
    csrw sstatus, t0
    ret

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
