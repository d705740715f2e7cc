/*
 * context_switch.S: from one task's kernel stack to another's.  The middle is lab 2, task 2.2.
 *
 * On entry to the included lines a0 = from, a1 = to (struct switch_context, switch.h), and floating
 * point is switched on; t0 is 0 when the program that leaves off has not written to its
 * floating-point registers since they were last loaded, so that *from has them already.  The lines
 * save and load; the `ret` behind them returns into `to`.
 */
#include "riscv.h"
#include "switch.h"

    .option arch, +d
    .text
    .globl context_switch
    .type context_switch, @function
    .balign 4
context_switch:
    /* The kernel does not compute with floats, so sstatus says how the program left them. */
    li t2, SSTATUS_FS
    csrrs t1, sstatus, t2
    and t1, t1, t2
    sub t0, t1, t2
    seqz t0, t0
#include PART_FILE
    ret
    .size context_switch, . - context_switch
