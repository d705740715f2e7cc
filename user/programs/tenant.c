/*
 * tenant MICROSECONDS: reads all of its 128 pages of constants, sleeps, and reads them again. To take
 * those pages away meanwhile must make no difference to it.
 *
 * Prints "sum SUM" each time. Exits with 0. Linux: yes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PAGE = 4096, PAGES = 128 };

#define FOUR(n)                                                    \
    [(n)*PAGE] = (n) % 100 + 1, [((n) + 1) * PAGE] = (n) % 90 + 2, \
    [((n) + 2) * PAGE] = (n) % 80 + 3, [((n) + 3) * PAGE] = (n) % 70 + 4
#define SIXTEEN(n) FOUR(n), FOUR((n) + 4), FOUR((n) + 8), FOUR((n) + 12)

static const unsigned char constants[PAGES * PAGE] = {
    SIXTEEN(0),  SIXTEEN(16), SIXTEEN(32), SIXTEEN(48),
    SIXTEEN(64), SIXTEEN(80), SIXTEEN(96), SIXTEEN(112),
};

static unsigned sum(void)
{
    unsigned total = 0;

    for (unsigned long n = 0; n < PAGES; n++)
        total = total * 3 + ((const volatile unsigned char *)constants)[n * PAGE];
    return total;
}

int main(int argc, char *argv[])
{
    long us = argc > 1 ? strtol(argv[1], NULL, 10) : 1000;
    struct timespec time = {us / 1000000, us % 1000000 * 1000};

    printf("sum %u\n", sum());
    nanosleep(&time, NULL);
    printf("sum %u\n", sum());
    return 0;
}
