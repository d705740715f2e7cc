/*
 * nap TIME...: sleeps, one TIME after the other; then prints for each
 *     slept TIME: RESULT, FROM to TO
 * TIME is in microseconds, in seconds with an `s` behind it, or in nanoseconds with an `n`; a word that
 * is no number is no time. FROM and TO are in ticks since
 * power-on, read just before and just after the call. Exits with 0. Linux: yes, with other ticks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { NAPS_MAX = 16 };

static struct {
    long result;
    unsigned long from, to;
} naps[NAPS_MAX];

int main(int argc, char *argv[])
{
    for (int i = 1; i < argc && i <= NAPS_MAX; i++) {
        char *unit;
        long number = strtol(argv[i], &unit, 10);
        struct timespec request = {number / 1000000, number % 1000000 * 1000};

        if (*unit == 's')
            request = (struct timespec){number, 0};
        if (*unit == 'n')
            request = (struct timespec){number / 1000000000, number % 1000000000};
        if (unit == argv[i])
            continue;
        naps[i - 1].from = rdtime();
        naps[i - 1].result = nanosleep(&request, NULL);
        naps[i - 1].to = rdtime();
    }
    for (int i = 1; i < argc && i <= NAPS_MAX; i++)
        if (naps[i - 1].to)
            printf("slept %s: %ld, %lu to %lu\n", argv[i], naps[i - 1].result, naps[i - 1].from,
                   naps[i - 1].to);
    return 0;
}
