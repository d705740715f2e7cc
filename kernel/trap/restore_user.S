/*
 * restore_user.S: the last step into user mode.  The middle is lab 1, task 1.1.
 *
 * On entry a0 = context, as seen under the program's satp.  The included lines load every register
 * of the program from it, and what sret needs.  They lie on the trampoline page and may not refer
 * to anything outside themselves.
 */
#include "riscv.h"
#include "user_context.h"

    .option norelax
    .section .trampoline.restore, "ax"
    .globl restore_user
    .balign 4
restore_user:
    .globl restore_user_begin
restore_user_begin:
#include PART_FILE
    .globl restore_user_end
restore_user_end:
    sret
