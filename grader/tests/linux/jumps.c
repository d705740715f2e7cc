/* jumps: out of many calls at once, to another stack and back, and what is done at the end. */
#include <alloca.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

static jmp_buf place;

static void deep(int depth, int until)
{
    volatile char here[100];
    here[depth % 100] = (char)depth;
    if (depth < until)
        deep(depth + 1, until);
    else if (here[depth % 100] == (char)depth)
        longjmp(place, until);
    here[0]++;
}

/* Callee-saved registers, floating-point ones too, are as they were at setjmp(). */
static void jumping(void)
{
    double kept = 1.5;
    volatile int rounds = 0;
    int came = setjmp(place);
    printf("setjmp: %d, kept %g\n", came, kept);
    if (++rounds < 4)
        deep(0, rounds * 50);
    puts("jumped three times");
}

static ucontext_t home, other;

static void on_another_stack(int a, int b)
{
    for (int i = 0; i < 3; i++) {
        printf("on another stack: %d + %d, round %d\n", a, b, i);
        swapcontext(&other, &home);
    }
    puts("on another stack: the end");
}

static void two_stacks(void)
{
    static char stack[64 << 10];
    getcontext(&other);
    other.uc_stack.ss_sp = stack;
    other.uc_stack.ss_size = sizeof(stack);
    other.uc_link = &home;
    makecontext(&other, (void (*)(void))on_another_stack, 2, 20, 22);
    for (int i = 0; i < 4; i++) {
        swapcontext(&home, &other);
        printf("back: %d\n", i);
    }
}

/* A stack that grows, far more than it had at the beginning. */
static unsigned long recursive(unsigned n)
{
    volatile unsigned char frame[1000];
    memset((void *)frame, (int)n, sizeof(frame));
    unsigned long sum = n == 0 ? 0 : recursive(n - 1);
    return sum + frame[n % sizeof(frame)];
}

static void first_registered(void)
{
    puts("registered first, called last");
}

static void last_registered(void)
{
    puts("registered last, called first");
}

int main(void)
{
    jumping();
    two_stacks();
    printf("4,000 calls deep: %lu\n", recursive(4000));
    char *large = alloca(2 << 20);
    memset(large, 1, 2 << 20);
    printf("2 MiB at once: %d\n", large[0] + large[(2 << 20) - 1]);
    atexit(first_registered);
    atexit(last_registered);
    exit(7);
}
