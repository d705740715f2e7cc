/*
 * turns BEGIN END: spins until END milliseconds after power-on, and watches the clock: where it
 * jumps, somebody else had the CPU. Judges the time from BEGIN on, before which the program must
 * have started. Prints
 *     had TICKS of WINDOW                 the time for which it had the CPU, and BEGIN to END
 *     turn TICKS                          for each turn that began and ended in between, up to 200
 * or "began too late" and exits with 1. No system call is made before END.
 * Linux: no (time is of another length there).
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { TURNS_MAX = 200, TICKS_PER_MS = 1000 * TICKS_PER_MICROSECOND };

/* A jump longer than what a kernel needs to come back here, shorter than anybody's turn. */
enum { GAP = 300 * TICKS_PER_MICROSECOND };

static unsigned long turns[TURNS_MAX];

int main(int argc, char *argv[])
{
    if (argc < 3) {
        dprintf(STDERR_FILENO, "usage: turns BEGIN END\n");
        return 2;
    }
    unsigned long begin = strtoul(argv[1], NULL, 10) * TICKS_PER_MS;
    unsigned long end = strtoul(argv[2], NULL, 10) * TICKS_PER_MS;
    unsigned long now = rdtime(), had = 0, turn = 0, count = 0;

    if (now > begin) {
        puts("began too late");
        return 1;
    }
    /* turn: since when, 0 until the first jump behind BEGIN. */
    while (now < end) {
        spend_250_instructions();
        unsigned long next = rdtime();

        if (next - now < GAP) {
            if (now >= begin)
                had += next - now;
        } else {
            if (turn != 0 && count < TURNS_MAX)
                turns[count++] = now - turn;
            turn = now >= begin && next < end ? next : 0;
        }
        now = next;
    }
    printf("had %lu of %lu\n", had, end - begin);
    for (unsigned long i = 0; i < count; i++)
        printf("turn %lu\n", turns[i]);
    return 0;
}
