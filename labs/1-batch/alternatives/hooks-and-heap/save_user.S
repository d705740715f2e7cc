/* SAVE_USER by way of t6: it is stored first, and carries the three CSRs before all the others. */
    .macro KEEP csr, offset
    csrr t6, \csr
    sd t6, \offset(a0)
    .endm
    sd t6, CONTEXT_X(31)(a0)
    KEEP sstatus, CONTEXT_SSTATUS
    KEEP sepc, CONTEXT_SEPC
    KEEP sscratch, CONTEXT_X(10)
    .irp n, 30,28,26,24,22,20,18,16,14,12,8,6,4,2,29,27,25,23,21,19,17,15,13,11,9,7,5,3,1
    sd x\n, CONTEXT_X(\n)(a0)
    .endr
