/*
 * power BASE EXPONENT MODULUS: prints "BASE^EXPONENT mod MODULUS = RESULT". Real work between two
 * system calls, whose result shows any register that did not survive an interrupt.
 *
 * All decimal and below 2^64; 0 < MODULUS < 2^32. Exits with 0, or 2 if misused. Linux: yes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* By repeated squaring. With the modulus below 2^32 a product fits in 64 bits. */
static unsigned long power(unsigned long base, unsigned long exponent, unsigned long modulus)
{
    unsigned long result = 1 % modulus;

    base %= modulus;
    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1)
            result = result * base % modulus;
        base = base * base % modulus;
    }
    return result;
}

int main(int argc, char *argv[])
{
    unsigned long modulus = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;

    if (modulus == 0 || modulus >> 32 != 0) {
        dprintf(STDERR_FILENO, "usage: power BASE EXPONENT MODULUS (below 2^32)\n");
        return 2;
    }
    unsigned long base = strtoul(argv[1], NULL, 10);
    unsigned long exponent = strtoul(argv[2], NULL, 10);

    printf("%lu^%lu mod %lu = %lu\n", base, exponent, modulus, power(base, exponent, modulus));
    return 0;
}
