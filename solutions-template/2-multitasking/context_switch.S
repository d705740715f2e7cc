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
    /* TODO(2.2) */
    tail context_call
