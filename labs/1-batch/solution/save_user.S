/*
 * Task 1.2: SAVE_USER, the way back.
 *
 * These lines are included into kernel/trap/save_user.S, where a trap from user mode arrives.
 *
 * Given:  a0 = address of the program's struct user_context; the program's own a0 is in the CSR
 *         sscratch; every other register still holds the program's value.
 * Wanted: the context holds the program's x1 to x31, sepc and sstatus; a0 is unchanged.
 *
 * Store a register before you use it for something else.  No calls, no symbols, as in task 1.1.
 */
    /* BEGIN SOLUTION 1.2 */
    .irp n, 1,2,3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd x\n, CONTEXT_X(\n)(a0)
    .endr
    /* The rest passes through t0, which is free now. */
    csrr t0, sscratch
    sd t0, CONTEXT_X(10)(a0)
    csrr t0, sepc
    sd t0, CONTEXT_SEPC(a0)
    csrr t0, sstatus
    sd t0, CONTEXT_SSTATUS(a0)
    /* END SOLUTION */
