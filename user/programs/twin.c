/*
 * twin SEED: are a child's registers its parent's?
 *
 * Fills x1 to x30 (but those that clone() is told its arguments in, and x10 for its answer), f0 to f31 and fcsr with
 * values that follow from SEED, forks, and compares what both find behind the ecall; sp is one of them.
 *
 * Each prints "NAME kept everything", NAME being "parent" or "child"; or the first that is not as it was, "NAME:
 * REGISTER was VALUE, expected VALUE". Exits with 0, or 1. Linux: yes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <syscall.h>
#include <unistd.h>
#include <wait.h>

enum { INTEGERS = 31, FLOATS = 32, FIRST_ARGUMENT = 10, LAST_ARGUMENT = 17 };

struct state {
    unsigned long x[32]; /* x[31] is not compared: it leads here */
    double f[32];
    unsigned long fcsr;
    unsigned long saved[14];
};

/* Load all registers from the state, fork, store them there. Returns what clone() did. */
long twin_fork(struct state *state);

__asm__("    .pushsection .text\n"
        "    .globl  twin_fork\n"
        "twin_fork:\n"
        "    mv      x31, a0\n"
        "    .set    at, 0\n"
        "    .irp    n, 1,2,3,4,8,9,18,19,20,21,22,23,24,25\n"
        "    sd      x\\n, 520 + 8 * at(x31)\n"
        "    .set    at, at + 1\n"
        "    .endr\n"
        "    sd      x26, 88(x31)\n" /* where x11's and x12's would be: arguments */
        "    sd      x27, 96(x31)\n"
        "    ld      t0, 512(x31)\n"
        "    fscsr   t0\n"
        "    .irp    n, "
        "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "    fld     f\\n, 256 + 8 * \\n(x31)\n"
        "    .endr\n"
        "    .irp    n, 1,2,3,4,5,6,7,8,9,18,19,20,21,22,23,24,25,26,27,28,29,30\n"
        "    ld      x\\n, 8 * \\n(x31)\n"
        "    .endr\n"
        "    li      a7, 220\n" /* clone, with SIGCHLD and nothing else */
        "    li      a0, 17\n"
        "    li      a1, 0\n"
        "    li      a2, 0\n"
        "    li      a3, 0\n"
        "    li      a4, 0\n"
        "    ecall\n"
        "    .irp    n, 1,2,3,4,5,6,7,8,9,18,19,20,21,22,23,24,25,26,27,28,29,30\n"
        "    sd      x\\n, 8 * \\n(x31)\n"
        "    .endr\n"
        "    .irp    n, "
        "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "    fsd     f\\n, 256 + 8 * \\n(x31)\n"
        "    .endr\n"
        "    frcsr   t0\n"
        "    sd      t0, 512(x31)\n"
        "    fscsr   zero\n"
        "    .set    at, 0\n"
        "    .irp    n, 1,2,3,4,8,9,18,19,20,21,22,23,24,25\n"
        "    ld      x\\n, 520 + 8 * at(x31)\n"
        "    .set    at, at + 1\n"
        "    .endr\n"
        "    ld      x26, 88(x31)\n"
        "    ld      x27, 96(x31)\n"
        "    ret\n"
        "    .popsection\n");

_Static_assert(__builtin_offsetof(struct state, fcsr) == 512 &&
                   __builtin_offsetof(struct state, saved) == 520,
               "the assembly's offsets");

static unsigned long pattern(unsigned long seed, int n)
{
    return (seed + (unsigned long)n + 1) * 0x9e3779b97f4a7c15;
}

static int compare(const char *name, const char *kind, int n, unsigned long was,
                   unsigned long wanted)
{
    if (was != wanted)
        printf("%s: %s%d was 0x%lx, expected 0x%lx\n", name, kind, n, was, wanted);
    return was != wanted;
}

int main(int argc, char *argv[])
{
    static struct state state;
    static unsigned long floats[FLOATS];
    unsigned long seed = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    int wrong = 0, status = 0;

    for (int n = 1; n < INTEGERS; n++)
        state.x[n] = pattern(seed, n);
    for (int n = 0; n < FLOATS; n++) {
        floats[n] = pattern(seed, n) >> 2; /* no number that is none */
        __builtin_memcpy(&state.f[n], &floats[n], sizeof(double));
    }
    unsigned long fcsr = state.fcsr = seed % 4 << 5 | (seed >> 2 & 0x1f);

    long pid = twin_fork(&state);
    const char *name = pid == 0 ? "child" : "parent";
    if (pid < 0) {
        printf("clone: %ld\n", pid);
        return 1;
    }
    for (int n = 1; n < INTEGERS && !wrong; n++)
        if (n < FIRST_ARGUMENT || n > LAST_ARGUMENT)
            wrong = compare(name, "x", n, state.x[n], pattern(seed, n));
    for (int n = 0; n < FLOATS && !wrong; n++) {
        unsigned long bits;
        __builtin_memcpy(&bits, &state.f[n], sizeof(bits));
        wrong = compare(name, "the bits of f", n, bits, floats[n]);
    }
    if (!wrong)
        wrong = compare(name, "fcsr, seed ", (int)seed, state.fcsr, fcsr);
    if (!wrong)
        printf("%s kept everything\n", name);
    if (pid > 0 && waitpid((int)pid, &status, 0) != pid)
        wrong = 1;
    return wrong || status != 0;
}
