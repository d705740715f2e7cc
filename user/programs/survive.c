/*
 * survive [direct] COUNT: makes COUNT system calls that do not exist (1023), each with a different value in
 * every integer register, sp, gp and tp included, and looks at all of them after each call.
 *
 * Prints "all registers survived COUNT calls" and exits with 0; or, for the first call (from 1)
 * that went wrong, "call I: register NAME changed" or "call I: a0 was VALUE, expected -38", and
 * exits with 1. With `direct` prints straight to the UART, for a kernel without write(), and ends
 * with ebreak, for one without exit(). Linux: yes without `direct`.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uart.h>
#include <unistd.h>

#define A0 10

/* Shared with the assembly below, which has no register left to keep anything in. */
static unsigned long seed __attribute__((used)) = 0x9E3779B97F4A7C15;
static unsigned long calls_left __attribute__((used));
static long result __attribute__((used));
static unsigned long saved[16] __attribute__((used));

/*
 * Makes `calls_left` calls. Returns 0, or the number of the first register that was wrong, with
 * calls_left as it was at that call; for a0 `result` has its value.
 *
 * The registers hold an arithmetic sequence: x1 is the seed, which changes in all its bits from
 * call to call, and each further one is STEP more than the one before. So a0, which is free once
 * the result has been looked at, is scratch enough to check all others: two instructions each.
 * Registers in order, leaving out a0 (x10) and a7 (x17).
 */
int make_calls(void);

__asm__(
    "    .equ    STEP, 0x2C3\n"
    "    .equ    NUMBER, 1023                /* no system call */\n"
    "    .equ    ENOSYS, 38\n"

    "    .macro EACH_SAVED instruction\n"
    "    \\instruction ra, 0(t0)\n"
    "    \\instruction sp, 8(t0)\n"
    "    \\instruction gp, 16(t0)\n"
    "    \\instruction tp, 24(t0)\n"
    "    \\instruction s0, 32(t0)\n"
    "    \\instruction s1, 40(t0)\n"
    "    \\instruction s2, 48(t0)\n"
    "    \\instruction s3, 56(t0)\n"
    "    \\instruction s4, 64(t0)\n"
    "    \\instruction s5, 72(t0)\n"
    "    \\instruction s6, 80(t0)\n"
    "    \\instruction s7, 88(t0)\n"
    "    \\instruction s8, 96(t0)\n"
    "    \\instruction s9, 104(t0)\n"
    "    \\instruction s10, 112(t0)\n"
    "    \\instruction s11, 120(t0)\n"
    "    .endm\n"

    "    .macro SET n, previous\n"
    "    addi    x\\n, x\\previous, STEP\n"
    "    .endm\n"

    "    .macro CHECK n, previous\n"
    "    addi    a0, x\\previous, STEP\n"
    "    bne     a0, x\\n, wrong_\\n\n"
    "    .endm\n"

    "    .macro WRONG n, previous\n"
    "wrong_\\n:\n"
    "    li      a0, \\n\n"
    "    j       return\n"
    "    .endm\n"

    "    .macro EACH_PAIR macro\n"
    "    \\macro  2, 1\n"
    "    \\macro  3, 2\n"
    "    \\macro  4, 3\n"
    "    \\macro  5, 4\n"
    "    \\macro  6, 5\n"
    "    \\macro  7, 6\n"
    "    \\macro  8, 7\n"
    "    \\macro  9, 8\n"
    "    \\macro  11, 9\n"
    "    \\macro  12, 11\n"
    "    \\macro  13, 12\n"
    "    \\macro  14, 13\n"
    "    \\macro  15, 14\n"
    "    \\macro  16, 15\n"
    "    \\macro  18, 16\n"
    "    \\macro  19, 18\n"
    "    \\macro  20, 19\n"
    "    \\macro  21, 20\n"
    "    \\macro  22, 21\n"
    "    \\macro  23, 22\n"
    "    \\macro  24, 23\n"
    "    \\macro  25, 24\n"
    "    \\macro  26, 25\n"
    "    \\macro  27, 26\n"
    "    \\macro  28, 27\n"
    "    \\macro  29, 28\n"
    "    \\macro  30, 29\n"
    "    \\macro  31, 30\n"
    "    .endm\n"

    "    .pushsection .text\n"
    "    .option push\n"
    "    .option norelax                     /* gp is one of the registers with a pattern */\n"
    "    .type   make_calls, @function\n"
    "make_calls:\n"
    "    la      t0, saved\n"
    "    EACH_SAVED sd\n"
    "next_call:\n"
    "    la      t0, seed\n"
    "    ld      x1, 0(t0)\n"
    "    EACH_PAIR SET\n"
    "    addi    a0, x31, STEP\n"
    "    li      a7, NUMBER\n"
    "    .globl  survive_ecall\n"
    "survive_ecall:\n"
    "    ecall\n"
    "    addi    a0, a0, ENOSYS\n"
    "    bnez    a0, wrong_10\n"
    "    la      a0, seed\n"
    "    ld      a0, 0(a0)\n"
    "    bne     a0, x1, wrong_1\n"
    "    EACH_PAIR CHECK\n"
    "    li      a0, NUMBER\n"
    "    bne     a0, a7, wrong_17\n"

    "    la      t0, seed                    /* all is well, so all registers are free again */\n"
    "    ld      t1, 0(t0)\n"
    "    li      t2, 6364136223846793005\n"
    "    mul     t1, t1, t2\n"
    "    addi    t1, t1, 1021\n"
    "    sd      t1, 0(t0)\n"
    "    la      t0, calls_left\n"
    "    ld      t1, 0(t0)\n"
    "    addi    t1, t1, -1\n"
    "    sd      t1, 0(t0)\n"
    "    bnez    t1, next_call\n"
    "    li      a0, 0\n"
    "return:\n"
    "    la      t0, saved\n"
    "    EACH_SAVED ld\n"
    "    ret\n"

    "    WRONG   1\n"
    "    EACH_PAIR WRONG\n"
    "    WRONG   17\n"
    "wrong_10:\n"
    "    addi    a0, a0, -ENOSYS\n"
    "    la      t0, result\n"
    "    sd      a0, 0(t0)\n"
    "    li      a0, 10\n"
    "    j       return\n"
    "    .size   make_calls, . - make_calls\n"
    "    .option pop\n"
    "    .popsection\n");

int main(int argc, char *argv[])
{
    static const char *const names[] = {
        "zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
        "a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
        "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
    };
    bool direct = argc > 1 && strcmp(argv[1], "direct") == 0;
    unsigned long count = argc > 1 + direct ? strtoul(argv[1 + direct], NULL, 10) : 0;
    char line[128];
    int wrong;

    if (count == 0) {
        dprintf(STDERR_FILENO, "usage: survive [direct] COUNT\n");
        return 2;
    }
    calls_left = count;
    wrong = make_calls();
    if (wrong == 0)
        snprintf(line, sizeof(line), "all registers survived %lu calls\n", count);
    else if (wrong == A0)
        snprintf(line, sizeof(line), "call %lu: a0 was %ld, expected %d\n", count - calls_left + 1,
                 result, -ENOSYS);
    else
        snprintf(line, sizeof(line), "call %lu: register %s changed\n", count - calls_left + 1,
                 names[wrong]);
    if (direct) {
        console_direct(line);
        __asm__ volatile("ebreak");
    }
    printf("%s", line);
    return wrong != 0;
}
