/*
 * spin MICROSECONDS: computes nothing until that much time has passed, prints "spun" and exits
 * with 0. Linux: yes, but there the time is of some other length (see time.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char *argv[])
{
    unsigned long start = rdtime();
    unsigned long ticks = argc > 1 ? strtoul(argv[1], NULL, 10) * TICKS_PER_MICROSECOND : 0;

    while (rdtime() - start < ticks)
        spend_250_instructions();
    puts("spun");
    return 0;
}
