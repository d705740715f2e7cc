/*
 * bench COUNT: what a system call costs, in instructions of the machine. To be run where an
 * instruction takes 1 ns of guest time (QEMU's -icount shift=0): there instret counts instructions.
 *
 * Prints "instret at main: N" and "null call: N", the latter from an ecall to the instruction behind
 * it, as the mean of COUNT calls that do not exist. Linux: runs, but instret counts something else.
 */
#include <stdio.h>
#include <stdlib.h>

static unsigned long instret(void)
{
    unsigned long value;
    __asm__ volatile("rdinstret %0" : "=r"(value));
    return value;
}

int main(int argc, char *argv[])
{
    unsigned long at_start = instret();
    unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
    register long number __asm__("a7") = 1023;
    register long result __asm__("a0") = 0;
    unsigned long begin, calls, empty;

    begin = instret();
    for (unsigned long i = 0; i < count; i++)
        __asm__ volatile("nop" : "+r"(result) : "r"(number) : "memory");
    empty = instret() - begin;
    begin = instret();
    for (unsigned long i = 0; i < count; i++)
        __asm__ volatile("ecall" : "+r"(result) : "r"(number) : "memory");
    calls = instret() - begin;
    printf("instret at main: %lu\n", at_start);
    printf("null call: %lu\n", (calls - empty) / count + 1);
    return 0;
}
