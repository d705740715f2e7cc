/*
 * regdump: makes one system call, at the label regdump_ecall, with a different pattern in every
 * integer register, so that what the kernel saved can be compared with what the registers held:
 *     xN = BASE + N * 0x0101        for N = 1..31, sp, gp and tp included
 * BASE is 0xC0DE000000000000; a test that wants to surprise the kernel puts another number into
 * the program's file, which holds it once. Either way a7 is the number of no system call. If the
 * call returns: ebreak. f0 has been written to, so that sstatus.FS says dirty.
 *
 * Arguments: none; prints nothing. Linux: no (runs, and ends with SIGTRAP; nothing to compare).
 */
    .option norelax                     /* gp is one of the registers with a pattern */
    .text
    .globl  _start
    .globl  regdump_ecall
_start:
    la      x1, base
    ld      x1, 0(x1)
    addi    x1, x1, 0x0101
    .irp    n, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, \
            25, 26, 27, 28, 29, 30, 31
    li      x\n, (\n - 1) * 0x0101
    add     x\n, x\n, x1
    .endr
    fmv.d.x f0, x1
regdump_ecall:
    ecall
    ebreak

    .section .rodata
    .balign 8
base:
    .dword  0xC0DE000000000000
