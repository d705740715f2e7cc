/*
 * switch_probe.S: a witness to what a switch does to the registers that a callee saves.
 *
 *     int switch_probe(struct switch_context *from, struct switch_context *to,
 *                      void (*go)(struct switch_context *, struct switch_context *));
 *
 * calls go(from, to) with a value in each of s0 to s11 that follows from the address `from`, and
 * looks at them when the call comes back.  Returns -1 when all are as they were, else the number of
 * the first register sN that is not.  Compiled C has most of these registers free most of the time,
 * so that a switch which forgets one would go unseen without this.
 */
    .text
    .globl switch_probe
    .type switch_probe, @function
    .balign 4
switch_probe:
    addi sp, sp, -128
    sd ra, 0(sp)
    sd a0, 8(sp)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    sd s\n, 16 + 8 * \n(sp)
    slli t0, a0, 4
    addi s\n, t0, \n
    .endr
    jalr a2

    ld t0, 8(sp)
    slli t0, t0, 4
    li a0, -1
    .irp n, 11,10,9,8,7,6,5,4,3,2,1,0
    addi t1, t0, \n
    beq s\n, t1, 1f
    li a0, \n
1:
    .endr
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    ld s\n, 16 + 8 * \n(sp)
    .endr
    ld ra, 0(sp)
    addi sp, sp, 128
    ret
    .size switch_probe, . - switch_probe
