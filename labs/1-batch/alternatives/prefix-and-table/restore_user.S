/* RESTORE_USER, from x31 down, with sp as the base: the kernel's sp is kept in the context. */
    mv sp, a0
    ld a1, CONTEXT_SSTATUS(sp)
    ld a2, CONTEXT_SEPC(sp)
    csrw sstatus, a1
    csrw sepc, a2
    .irp n, 31,30,29,28,27,26,25,24,23,22,21,20,19,18,17,16,15,14,13,12,11,10,9,8,7,6,5,4,3,1
    ld x\n, CONTEXT_X(\n)(sp)
    .endr
    ld sp, CONTEXT_X(2)(sp)
