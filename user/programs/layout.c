/*
 * layout [TIMES [TOKEN]]: a program with text, constants, data, bss and a stack, that comes to its
 * checkpoint TIMES times (1 if not given) and looks each time whether everything is as it was.
 *
 * TOKEN is written to data, bss and stack at the beginning. Prints nothing. Exits with 0, or with 1
 * when its data did not begin as the file says, 2 when its bss was not zero, 3 when something
 * changed. Linux: yes.
 */
#include <checkpoint.h>
#include <stddef.h>
#include <stdlib.h>

enum { WORDS = 1500 }; /* each more than two pages */

static const unsigned long constants[WORDS] = {[0] = 11, [WORDS / 2] = 22, [WORDS - 1] = 33};
static unsigned long data[WORDS] = {[0] = 44, [WORDS / 2] = 55, [WORDS - 1] = 66};
static unsigned long bss[WORDS];

/* Are the three marks there, and nothing else? */
static int as_written(const volatile unsigned long *words, unsigned long first,
                      unsigned long middle, unsigned long last)
{
    for (unsigned long i = 0; i < WORDS; i++) {
        unsigned long wanted = i == 0 ? first : i == WORDS / 2 ? middle : i == WORDS - 1 ? last : 0;

        if (words[i] != wanted)
            return 0;
    }
    return 1;
}

int main(int argc, char *argv[])
{
    long times = argc > 1 ? strtol(argv[1], NULL, 10) : 1;
    unsigned long token = argc > 2 ? strtoul(argv[2], NULL, 10) : 77;
    volatile unsigned long stack[WORDS];
    int wrong = 0; /* told at the end: the checkpoint is for every program */

    if (!as_written(constants, 11, 22, 33) || !as_written(data, 44, 55, 66))
        wrong = 1;
    else if (!as_written(bss, 0, 0, 0))
        wrong = 2;
    for (unsigned long i = 0; i < WORDS; i++)
        data[i] = bss[i] = stack[i] = token + i;
    for (long n = 0; n < times; n++) {
        checkpoint();
        for (unsigned long i = 0; i < WORDS; i++)
            if (data[i] != token + i || bss[i] != token + i || stack[i] != token + i)
                wrong = wrong ? wrong : 3;
    }
    return wrong;
}
