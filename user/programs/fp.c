/*
 * fp: the floating-point registers, from a program's side. Prints
 *     fp registers start at zero          or "fN started as 0x...", "fcsr started as 0x..."
 *     sum = 1643934 (millionths)          of 1/k^2 for k = 1..1000
 *     fp registers survived a system call or "fN changed to 0x...", "fcsr changed to 0x..."
 * (only the first of several is named), and leaves all of them full of garbage for the next
 * program to find. Exits with 0, or 1 if something was wrong.
 *
 * Arguments: none. Linux: yes.
 */
#include <stdbool.h>
#include <stdio.h>
#include <syscall.h>

struct fp_state {
    unsigned long f[32];
    unsigned long fcsr;
};

#define FCSR_INEXACT_UNDERFLOW_UP 0x63 /* rounding mode 3 (up), flags UF and NX */

void fp_store(struct fp_state *state);
void fp_load(const struct fp_state *state);

/* Loads `before`, makes the system call, stores in `after`. The C code around it uses no fp. */
void fp_call(const struct fp_state *before, struct fp_state *after, long number);

__asm__(".pushsection .text\n"
        ".macro FP_ALL instruction, base\n"
        "    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, "
        "20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31\n"
        "    \\instruction f\\n, 8*\\n(\\base)\n"
        "    .endr\n"
        ".endm\n"
        ".globl fp_store, fp_load, fp_call\n"
        "fp_store:\n"
        "    FP_ALL fsd, a0\n"
        "    frcsr t0\n"
        "    sd t0, 256(a0)\n"
        "    ret\n"
        "fp_load:\n"
        "    FP_ALL fld, a0\n"
        "    ld t0, 256(a0)\n"
        "    fscsr t0\n"
        "    ret\n"
        "fp_call:\n"
        "    mv t4, ra\n"
        "    mv t5, a1\n"
        "    jal fp_load\n"
        "    mv a7, a2\n"
        "    ecall\n"
        "    mv a0, t5\n"
        "    jal fp_store\n"
        "    jr t4\n"
        ".popsection\n");

/* Prints the first difference, if any. */
static bool same(const struct fp_state *expected, const struct fp_state *state, const char *verb)
{
    for (int n = 0; n < 32; n++) {
        if (state->f[n] != expected->f[n]) {
            printf("f%d %s 0x%lx\n", n, verb, state->f[n]);
            return false;
        }
    }
    if (state->fcsr != expected->fcsr) {
        printf("fcsr %s 0x%lx\n", verb, state->fcsr);
        return false;
    }
    return true;
}

static void fill(struct fp_state *state, unsigned long pattern)
{
    for (unsigned long n = 0; n < 32; n++)
        state->f[n] = pattern + n * 0x0101;
    state->fcsr = FCSR_INEXACT_UNDERFLOW_UP;
}

/* Apart from main, so that the compiler has no reason to touch an fp register before fp_store. */
__attribute__((noinline)) static long sum_in_millionths(void)
{
    double sum = 0;

    for (int k = 1; k <= 1000; k++)
        sum += 1.0 / ((double)k * k);
    return (long)(sum * 1e6);
}

int main(void)
{
    static const struct fp_state zero;
    static struct fp_state before, after;
    bool ok;

    fp_store(&after);
    ok = same(&zero, &after, "started as");
    if (ok)
        puts("fp registers start at zero");

    printf("sum = %ld (millionths)\n", sum_in_millionths());

    /* The call most likely to run another program in between; -ENOSYS in lab 1 is as good. */
    fill(&before, 0x400921FB54440000);
    fp_call(&before, &after, SYS_sched_yield);
    if (same(&before, &after, "changed to"))
        puts("fp registers survived a system call");
    else
        ok = false;

    fill(&before, 0xBADF00D000000000);
    fp_load(&before);
    return ok ? 0 : 1;
}
