/*
 * big: a program of 5 MiB, almost all of it bss, which looks whether it is zero, and writes to each
 * page of it.
 *
 * Prints "bss page N is VALUE" if N is the first page (from 0) that does not begin with zero, VALUE
 * in hexadecimal; then "touched 5 MiB". Exits with 0. Arguments: none. Linux: yes.
 */
#include <stdbool.h>
#include <stdio.h>

enum { MIB = 1 << 20, PAGE = 4096 };

static volatile unsigned char array[5 * MIB];

int main(void)
{
    bool clean = true;

    for (unsigned long i = 0; i < sizeof(array); i += PAGE) {
        if (clean && array[i] != 0) {
            printf("bss page %lu is 0x%x\n", i / PAGE, array[i]);
            clean = false;
        }
        array[i] = 1;
    }
    puts("touched 5 MiB");
    return 0;
}
