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
    /* TODO(1.1) */
