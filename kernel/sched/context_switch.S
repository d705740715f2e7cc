/*
 * context_switch.S: from one task's kernel stack to another's.  The middle is lab 2, task 2.2.
 *
 * On entry a0 = from, a1 = to (struct switch_context, switch.h); floating point is switched on.  The
 * included lines save and load; the `ret` behind them returns into `to`.
 */
#include "riscv.h"
#include "switch.h"

    .option arch, +d
    .text
    .globl context_switch
    .type context_switch, @function
    .balign 4
context_switch:
    /* The kernel does not compute with floats, but keeps those of programs. */
    li t0, SSTATUS_FS_INITIAL
    csrs sstatus, t0
#include PART_FILE
    ret
    .size context_switch, . - context_switch

/* In C this would be: PROVIDE(switcher, 2, context_switcher), with {.go = context_switch}. */
    .section .rodata
    .balign 8
context_switcher:
    .dword context_switch
    .globl switcher_level_2
switcher_level_2:
    .byte 0
slot_name:
    .asciz "switcher"
object_name:
    .asciz "context_switcher"
file_name:
    .asciz "context_switch.S"

    .section .slots.switcher.2, "a"
    .balign 8
    .dword switcher, context_switcher, slot_name, object_name, file_name
    .word 2, 0
