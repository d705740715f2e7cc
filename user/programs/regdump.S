/*
 * regdump: makes one system call, at the label regdump_ecall, with a different pattern in every
 * integer register, so that what the kernel saved can be compared with what the registers held:
 *     xN = 0xC0DE000000000000 + N * 0x0101        for N = 1..31, sp, gp and tp included
 * The number in a7 is therefore that of no system call. If the call returns: ebreak.
 *
 * Arguments: none; prints nothing. Linux: no (runs, and ends with SIGTRAP; nothing to compare).
 */
    .text
    .globl  _start
    .globl  regdump_ecall
_start:
    .irp    n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, \
            24, 25, 26, 27, 28, 29, 30, 31
    li      x\n, 0xC0DE000000000000 + \n * 0x0101
    .endr
regdump_ecall:
    ecall
    ebreak
