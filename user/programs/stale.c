/*
 * stale: is what a program finds in its memory its own? Checks that bss and the 16 KiB below its
 * stack pointer are zero when it starts, then fills both with 0xA5 for the next run to find, if
 * the kernel forgot to clear them.
 *
 * Prints "clean" and exits with 0; or "bss byte OFFSET is VALUE" (from the start of bss) or
 * "stack byte -OFFSET is VALUE" (below sp), VALUE in hexadecimal, and exits with 1.
 *
 * Arguments: none. Linux: no (there, every program is clean; the test is to run it twice here).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* The part next to sp is left out: the functions called from main have their frames there. */
#define STACK_DEPTH 16384
#define STACK_USED 512

#define FILL 0xA5

extern unsigned char __bss_start[], __bss_end[];

static unsigned char array[65536] __attribute__((used));

/* Returns the first byte in [at, end) that is not zero, or `end`. Uses next to no stack. */
__attribute__((noinline)) static unsigned char *first_set(unsigned char *at, unsigned char *end)
{
    while (at < end && *at == 0)
        at++;
    return at;
}

int main(void)
{
    unsigned char *sp, *bss, *stack;
    bool clean;

    __asm__ volatile("mv %0, sp" : "=r"(sp));
    /* Both before anything is printed, since printing uses bss and stack. */
    bss = first_set(__bss_start, __bss_end);
    stack = first_set(sp - STACK_DEPTH, sp - STACK_USED);
    clean = bss == __bss_end && stack == sp - STACK_USED;

    if (bss != __bss_end)
        printf("bss byte %ld is 0x%x\n", bss - __bss_start, *bss);
    if (stack != sp - STACK_USED)
        printf("stack byte -%ld is 0x%x\n", sp - stack, *stack);
    if (clean)
        puts("clean");

    memset(array, FILL, sizeof(array));
    memset(sp - STACK_DEPTH, FILL, STACK_DEPTH - STACK_USED);
    return clean ? 0 : 1;
}
