/*
 * origin: four instructions that push on a stack that is not there yet, and two to leave: the sum of what
 * they pushed and popped is 42. The first program for whom a page comes when it is touched.
 *
 * The kernel has written to the page that sp points into, so origin goes a page further down. Exits with
 * 42. Arguments: none. Linux: yes.
 */
#include <syscall.h>

    .text
    .globl  _start
_start:
    li      a1, 42
    lui     t0, 0xfffff                 /* -4096 */
    add     sp, sp, t0
    .globl  origin_push
origin_push:
    sd      a1, 0(sp)                   /* a store page fault, and once more this instruction */
    ld      a0, 0(sp)
    li      a7, SYS_exit
    ecall
