/* RESTORE_USER with its base in t6: a0 is a register like any other, and t6 comes last. */
    .macro LOAD first, names:vararg
    .set offset, 8 * \first
    .irp name, \names
    ld \name, offset(t6)
    .set offset, offset + 8
    .endr
    .endm
    mv t6, a0
    ld a0, CONTEXT_SSTATUS(t6)
    csrw sstatus, a0
    ld a0, CONTEXT_SEPC(t6)
    csrw sepc, a0
    LOAD 8, s0, s1, a0, a1, a2, a3, a4, a5, a6, a7
    LOAD 18, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11
    LOAD 1, ra, sp, gp, tp, t0, t1, t2
    LOAD 28, t3, t4, t5, t6
