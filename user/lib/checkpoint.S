/* checkpoint(): see checkpoint.h.  The grader stops the machine at the ecall. */
#include <syscall.h>

    .section .text.checkpoint, "ax", @progbits
    .globl  checkpoint
    .type   checkpoint, @function
checkpoint:
    li      a7, SYS_sched_yield
    .globl  checkpoint_reached
checkpoint_reached:
    ecall
    ret
    .size   checkpoint, . - checkpoint
