/*
 * save_user.S: the first step out of user mode.  The middle is lab 1, task 1.2.
 *
 * On entry a0 = context, as seen under the program's satp; the program's own a0 is in sscratch;
 * every other register is still the program's.  The included lines store them all, and sepc and
 * sstatus; a0 must be unchanged after them.  They lie on the trampoline page and may not refer to
 * anything outside themselves.
 */
#include "riscv.h"
#include "user_context.h"

    .option norelax
    .section .trampoline.save, "ax"
    .globl save_user
    .balign 4
save_user:
    .globl save_user_begin
save_user_begin:
#include PART_FILE
    .globl save_user_end
save_user_end:
    j user_return
