/*
 * registers_run.S: uint64_t registers_run(struct user_context *context): see registers.c.
 */
    .text
    .globl registers_run
    .type registers_run, @function
    .balign 4
registers_run:
    addi sp, sp, -112
    sd ra, 0(sp)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    sd s\n, 8 + 8 * \n(sp)
    .endr
    /* sp and a0 are needed; the call fills ra. */
    .irp n, 3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    li x\n, -1 - \n
    .endr
    call user_run
    li gp, 0
    li tp, 0
    ld ra, 0(sp)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    ld s\n, 8 + 8 * \n(sp)
    .endr
    addi sp, sp, 112
    ret
    .size registers_run, . - registers_run
