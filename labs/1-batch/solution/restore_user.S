/*
 * Task 1.1: RESTORE_USER, the way into user mode.
 *
 * These lines are included into kernel/trap/restore_user.S, right before its `sret`.
 *
 * Given:  a0 = address of the program's struct user_context (kernel/include/user_context.h).
 * Wanted: sepc and sstatus, and the 31 registers x1 to x31, hold what the context says.
 *
 * Every register is loaded relative to a0.  No calls, no symbols: from lab 3 on this code runs at
 * another address than it was linked for.
 */
    /* BEGIN SOLUTION 1.1 */
    ld t0, CONTEXT_SEPC(a0)
    csrw sepc, t0
    ld t0, CONTEXT_SSTATUS(a0)
    csrw sstatus, t0

    .irp n, 1,2,3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld x\n, CONTEXT_X(\n)(a0)
    .endr
    /* a0 last: until here it was the base. */
    ld x10, CONTEXT_X(10)(a0)
    /* END SOLUTION */
