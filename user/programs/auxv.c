/*
 * auxv [ARGUMENT]...: looks at what the kernel put on the stack, and prints nothing: for a kernel
 * without write(). Exits with 0, or with the number of what is wrong:
 *
 *     1   sp is not 16-byte aligned              5   AT_PAGESZ is not 4096
 *     2   argc is not 3                          6   AT_ENTRY is not where it began
 *     3   the arguments are not "one" and "2"    7   AT_PHENT, AT_PHNUM are not as in the file
 *     4   argv or envp does not end with NULL    8   AT_RANDOM does not lead to 16 bytes
 *                                                9   there is an environment
 *
 * Linux: yes.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { AT_NULL = 0, AT_PHENT = 4, AT_PHNUM = 5, AT_PAGESZ = 6, AT_ENTRY = 9, AT_RANDOM = 25 };
enum { ENV_MAX = 4096, AUX_MAX = 64, SEGMENTS = 3, SEGMENT_SIZE = 56 };

void _start(void);

/* The value of an entry of the auxiliary vector, or -1. */
static unsigned long aux(const unsigned long *vector, unsigned long type)
{
    for (int n = 0; n < AUX_MAX && vector[2 * n] != AT_NULL; n++)
        if (vector[2 * n] == type)
            return vector[2 * n + 1];
    return -1UL;
}

int main(int argc, char *argv[], char *envp[])
{
    const unsigned char *random;
    int n = 0, sum = 0;

    if (((unsigned long)argv - 8) % 16 != 0) /* where crt0 found argc */
        return 1;
    if (argc != 3)
        return 2;
    if (strcmp(argv[1], "one") != 0 || strcmp(argv[2], "2") != 0)
        return 3;
    while (n < ENV_MAX && envp[n] != NULL)
        n++;
    if (argv[argc] != NULL || n == ENV_MAX)
        return 4;
    const unsigned long *vector = (const unsigned long *)&envp[n + 1];

    if (aux(vector, AT_PAGESZ) != 4096)
        return 5;
    if (aux(vector, AT_ENTRY) != (unsigned long)_start)
        return 6;
    if (aux(vector, AT_PHENT) != SEGMENT_SIZE || aux(vector, AT_PHNUM) < SEGMENTS ||
        aux(vector, AT_PHNUM) > SEGMENTS + 2)
        return 7;
    random = (const unsigned char *)aux(vector, AT_RANDOM);
    if (random == (const unsigned char *)-1UL)
        return 8;
    if (envp[0] != NULL)
        return 9;
    for (n = 0; n < 16; n++)
        sum += random[n];
    return sum != 0 ? 0 : 8;
}
