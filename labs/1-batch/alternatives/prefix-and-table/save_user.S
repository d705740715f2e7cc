/* SAVE_USER, from x31 down; the program's a0 by way of another swap with sscratch. */
    .irp n, 31,30,29,28,27,26,25,24,23,22,21,20,19,18,17,16,15,14,13,12,11,9,8,7,6,5,4,3,2,1
    sd x\n, CONTEXT_X(\n)(a0)
    .endr
    mv s0, a0
    csrrw a0, sscratch, a0
    sd a0, CONTEXT_X(10)(s0)
    mv a0, s0
    csrr s1, sstatus
    csrr s2, sepc
    sd s1, CONTEXT_SSTATUS(a0)
    sd s2, CONTEXT_SEPC(a0)
