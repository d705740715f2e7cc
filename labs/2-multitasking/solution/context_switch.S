/*
 * Task 2.2: the context switch: leave one task in the middle of the kernel, go on with another.
 *
 * These lines are included into kernel/sched/context_switch.S, right before its `ret`.
 *
 * Given:  a0 = from, a1 = to: addresses of struct switch_context (kernel/include/switch.h, with a
 *         picture).  Floating point is switched on.  t0 is 0 when f0 to f31 and fcsr have not been
 *         written to since they were loaded from *from; then you may skip saving them.
 * Wanted: *from holds ra, sp, s0 to s11, f0 to f31 and fcsr as they are now; these registers hold
 *         what *to says.
 *
 * To the C code that called, this is a function: it must find again what a callee saves, and expects
 * nothing of the rest.  Programs are no callees: all of their floating-point registers count.
 */
    /* BEGIN SOLUTION 2.2 */
    sd ra, SWITCH_RA(a0)
    sd sp, SWITCH_SP(a0)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    sd s\n, SWITCH_S(\n)(a0)
    .endr
    beqz t0, 1f
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fsd f\n, SWITCH_F(\n)(a0)
    .endr
    frcsr t0
    sd t0, SWITCH_FCSR(a0)
1:

    ld ra, SWITCH_RA(a1)
    ld sp, SWITCH_SP(a1)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    ld s\n, SWITCH_S(\n)(a1)
    .endr
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fld f\n, SWITCH_F(\n)(a1)
    .endr
    ld t0, SWITCH_FCSR(a1)
    fscsr t0
    /* STUB
    tail context_call
    */
    /* END SOLUTION */
