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
    /* TODO(1.2) */
