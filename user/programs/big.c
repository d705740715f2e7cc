/*
 * big: a program of 5 MiB, almost all of it bss, which writes to each page of it.
 *
 * Prints "touched 5 MiB" and exits with 0. Arguments: none. Linux: yes.
 */
#include <stddef.h>
#include <stdio.h>

enum { MIB = 1 << 20, PAGE = 4096 };

static volatile unsigned char array[5 * MIB];

int main(void)
{
    for (size_t i = 0; i < sizeof(array); i += PAGE)
        array[i] = 1;
    puts("touched 5 MiB");
    return 0;
}
