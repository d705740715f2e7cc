/*
 * keep SEED MILLISECONDS [yield]: do registers and memory keep what they hold, while others run?
 *
 * Fills x1 to x29, f0 to f30 and fcsr with values that follow from SEED (sp, gp and tp included),
 * counts each of them up at a pace of its own, and looks after some thousand instructions whether all
 * have arrived where they should; also at 4 KiB of its stack. Again, until so much time has passed;
 * with `yield`, 1000 times, each after a sched_yield().
 *
 * Prints "kept everything" and exits with 0; or the first that went wrong, "NAME was VALUE, expected
 * VALUE", and exits with 1. Linux: yes, but the time is of another length.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 300, YIELDS = 1000, DEPTH = 4096, INTEGERS = 30, FLOATS = 31 };

struct state {
    unsigned long x[32]; /* x[30] and x[31] are the loop's own: count and base */
    double f[32];        /* f[31] is the step, 1.0 */
    unsigned long fcsr;
    unsigned long rounds;
    unsigned long saved[16];
};

/* Load all registers from the state, go round as often as it says, and store them. */
void keep_rounds(struct state *state);

__asm__(
    "    .macro EACH_SAVED instruction\n"
    "    .irp n, 1,2,3,4,8,9,18,19,20,21,22,23,24,25,26,27\n"
    "    \\instruction x\\n, 528 + 8 * keep_at(x31)\n"
    "    .set keep_at, keep_at + 1\n"
    "    .endr\n"
    "    .endm\n"
    "    .macro EACH_INTEGER instruction\n"
    "    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29\n"
    "    \\instruction x\\n, 8 * \\n(x31)\n"
    "    .endr\n"
    "    .endm\n"
    "    .macro EACH_FLOAT instruction\n"
    "    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,"
    "29,30,31\n"
    "    \\instruction f\\n, 256 + 8 * \\n(x31)\n"
    "    .endr\n"
    "    .endm\n"

    "    .pushsection .text\n"
    "    .type keep_rounds, @function\n"
    "keep_rounds:\n"
    "    mv      x31, a0\n"
    "    .set    keep_at, 0\n"
    "    EACH_SAVED sd\n"
    "    EACH_FLOAT fld\n"
    "    ld      t0, 512(x31)\n"
    "    fscsr   t0\n"
    "    ld      x30, 520(x31)\n"
    "    EACH_INTEGER ld\n"
    "1:\n"
    "    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29\n"
    "    addi    x\\n, x\\n, \\n\n"
    "    fadd.d  f\\n, f\\n, f31\n"
    "    .endr\n"
    "    fadd.d  f0, f0, f31\n"
    "    fadd.d  f30, f30, f31\n"
    "    addi    x30, x30, -1\n"
    "    bnez    x30, 1b\n"
    "    EACH_INTEGER sd\n"
    "    EACH_FLOAT fsd\n"
    "    frcsr   t0\n"
    "    sd      t0, 512(x31)\n"
    "    .set    keep_at, 0\n"
    "    EACH_SAVED ld\n"
    "    ret\n"
    "    .size   keep_rounds, . - keep_rounds\n"
    "    .popsection\n");

_Static_assert(sizeof(double) == 8 && __builtin_offsetof(struct state, fcsr) == 512 &&
                   __builtin_offsetof(struct state, saved) == 528,
               "the assembly's offsets");

static void wrong(const char *kind, int n, unsigned long value, unsigned long expected)
{
    printf("%s%d was 0x%lx, expected 0x%lx\n", kind, n, value, expected);
    exit(1);
}

/* One stretch of counting; every stretch starts elsewhere. */
static void stretch(unsigned long seed)
{
    static struct state state;

    for (int n = 1; n < INTEGERS; n++)
        state.x[n] = seed + (unsigned long)n * 0x9e3779b97f4a7c15;
    for (int n = 0; n < FLOATS; n++)
        state.f[n] = (double)(long)(seed % 1000003 + (unsigned long)n * 1000);
    state.f[31] = 1.0;
    unsigned long fcsr = state.fcsr = seed % 4 << 5 | (seed >> 2 & 0x1f);

    state.rounds = ROUNDS;
    keep_rounds(&state);
    for (int n = 1; n < INTEGERS; n++) {
        unsigned long expected =
            seed + (unsigned long)n * 0x9e3779b97f4a7c15 + (unsigned long)n * ROUNDS;

        if (state.x[n] != expected)
            wrong("x", n, state.x[n], expected);
    }
    for (int n = 0; n < FLOATS; n++) {
        double expected = (double)(long)(seed % 1000003 + (unsigned long)n * 1000 + ROUNDS);

        if (state.f[n] != expected)
            wrong("the number in f", n, (unsigned long)state.f[n], (unsigned long)expected);
    }
    if (state.fcsr != fcsr)
        wrong("fcsr, stretch ", (int)(seed % 1000), state.fcsr, fcsr);
}

int main(int argc, char *argv[])
{
    unsigned char stack[DEPTH];

    if (argc < 3) {
        dprintf(STDERR_FILENO, "usage: keep SEED MILLISECONDS [yield]\n");
        return 2;
    }
    unsigned long seed = strtoul(argv[1], NULL, 10);
    unsigned long start = rdtime();
    unsigned long ticks = strtoul(argv[2], NULL, 10) * 1000 * TICKS_PER_MICROSECOND;
    int yields = argc > 3 && strcmp(argv[3], "yield") == 0 ? YIELDS : 0;

    for (int i = 0; i < DEPTH; i++)
        stack[i] = (unsigned char)(seed + (unsigned long)i);
    for (int round = 0; round < yields || rdtime() - start < ticks; round++) {
        stretch(seed + (unsigned long)round * 7919);
        if (round < yields)
            sched_yield();
    }
    for (int i = 0; i < DEPTH; i++) {
        volatile unsigned char *byte = &stack[i];

        if (*byte != (unsigned char)(seed + (unsigned long)i))
            wrong("stack byte ", i, *byte, (unsigned char)(seed + (unsigned long)i));
    }
    puts("kept everything");
    return 0;
}
