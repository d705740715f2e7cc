/*
 * switch_turn.S: one side of the test of a context switch: see switch.c.
 *
 *     void switch_probe_turn(struct side *self, struct side *other, void (*go)(…));
 *
 * Fill every register that a switch must keep with a value that follows from self->seed, go over to
 * other, and look at them when somebody comes back.  What is lost is noted in self->lost, a bit for
 * each: 0-11 s0 to s11, 16 fcsr, 32-63 f0 to f31.  With sp lost nothing else can be trusted: then
 * switch_probe_astray() ends the test.
 */
#include "riscv.h"
#include "switch.h"

#define SIDE_SP 376
#define SIDE_SEED 384
#define SIDE_FCSR 392
#define SIDE_LOST 400

    .option arch, +d
    .text
    .globl switch_probe_turn
    .type switch_probe_turn, @function
    .balign 4
switch_probe_turn:
    addi sp, sp, -112
    sd ra, 0(sp)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    sd s\n, 8 + 8 * \n(sp)
    .endr
    sd sp, SIDE_SP(a0)
    la t0, switch_probe_running
    sd a1, 0(t0)

    li t0, SSTATUS_FS_INITIAL
    csrs sstatus, t0
    ld t0, SIDE_FCSR(a0)
    fscsr t0
    ld t1, SIDE_SEED(a0)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    addi s\n, t1, \n
    .endr
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    addi t0, t1, 32 + \n
    fmv.d.x f\n, t0
    .endr
    /* The context is the first member of a side. */
    jalr a2

    la t0, switch_probe_running
    ld a0, 0(t0)
    ld t0, SIDE_SP(a0)
    bne sp, t0, astray
    ld t1, SIDE_SEED(a0)
    li t3, 0
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    addi t0, t1, \n
    xor t0, t0, s\n
    snez t0, t0
    slli t0, t0, \n
    or t3, t3, t0
    .endr
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    addi t0, t1, 32 + \n
    fmv.x.d t2, f\n
    xor t0, t0, t2
    snez t0, t0
    slli t0, t0, 32 + \n
    or t3, t3, t0
    .endr
    frcsr t0
    ld t2, SIDE_FCSR(a0)
    xor t0, t0, t2
    snez t0, t0
    slli t0, t0, 16
    or t3, t3, t0
    ld t0, SIDE_LOST(a0)
    or t0, t0, t3
    sd t0, SIDE_LOST(a0)

    ld ra, 0(sp)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    ld s\n, 8 + 8 * \n(sp)
    .endr
    addi sp, sp, 112
    ret

astray:
    mv a1, sp
    la sp, boot_stack_top /* what is on it will not be needed again */
    call switch_probe_astray
    .size switch_probe_turn, . - switch_probe_turn
