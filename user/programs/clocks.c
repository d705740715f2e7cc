/*
 * clocks agree COUNT [MS]       reads the clocks COUNT times between two looks at the time CSR; begins
 *                               MS milliseconds before the end of a second, or at once
 *        bad [ADDRESS]...       clocks that do not exist, addresses (hexadecimal) not the program's
 *
 * `agree` prints "clocks agree with rdtime" or the first that did not, in nanoseconds and how it lay
 * to both looks; it also sees that the clocks never go back and that fractions of a second are less
 * than one. `bad` prints "CASE: RESULT". Exits with 0, or 1 if something was wrong.
 * Linux: `bad`, for addresses that are nobody's there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syscall.h>
#include <time.h>
#include <unistd.h>

enum { NS_PER_TICK = 1000 / TICKS_PER_MICROSECOND, NS_PER_S = 1000000000 };

/* Dies when a clock's time is not one between two looks, to its resolution in nanoseconds. */
static void check(const char *clock, long seconds, long fraction, long per_second,
                  unsigned long before, unsigned long after)
{
    long resolution = NS_PER_S / per_second;
    long ns = seconds * NS_PER_S + fraction * resolution;
    long from = (long)before * NS_PER_TICK - resolution, to = (long)after * NS_PER_TICK;

    if (fraction >= 0 && fraction < per_second && ns > from && ns <= to)
        return;
    printf("%s said %ld s and %ld of %ld, rdtime %ld to %ld ns\n", clock, seconds, fraction,
           per_second, (long)before * NS_PER_TICK, to);
    exit(1);
}

static void agree(long count, unsigned long ms_left)
{
    const unsigned long ticks_per_second = 1000000 * TICKS_PER_MICROSECOND;
    long last = 0;

    while (ticks_per_second - rdtime() % ticks_per_second > ms_left * 1000 * TICKS_PER_MICROSECOND)
        spend_250_instructions();
    for (long i = 0; i < count; i++) {
        struct timespec now = {-1, -1};
        struct timeval micro = {-1, -1};

        for (int clock = CLOCK_REALTIME; clock <= CLOCK_MONOTONIC; clock++) {
            unsigned long before = rdtime();
            int result = clock_gettime(clock, &now);

            if (result != 0) {
                printf("clock_gettime(%d): %d\n", clock, result);
                exit(1);
            }
            check(clock ? "CLOCK_MONOTONIC" : "CLOCK_REALTIME", now.tv_sec, now.tv_nsec, NS_PER_S,
                  before, rdtime());
        }
        if (now.tv_sec * NS_PER_S + now.tv_nsec < last) {
            puts("CLOCK_MONOTONIC went back");
            exit(1);
        }
        last = now.tv_sec * NS_PER_S + now.tv_nsec;

        unsigned long before = rdtime();
        int result = gettimeofday(&micro, NULL);

        if (result != 0) {
            printf("gettimeofday: %d\n", result);
            exit(1);
        }
        check("gettimeofday", micro.tv_sec, micro.tv_usec, 1000000, before, rdtime());
        for (unsigned long from = rdtime(); rdtime() - from < (unsigned long)(i * 37 % 1000);)
            ;
    }
    puts("clocks agree with rdtime");
}

static void bad(int count, char *addresses[])
{
    struct timespec now;

    printf("clock 99: %d\n", clock_gettime(99, &now));
    printf("clock 2^31-1: %d\n", clock_gettime(0x7fffffff, &now));
    /* The number is an int: what stands above its 32 bits does not count. */
    printf("clock 2^32: %ld\n", syscall6(SYS_clock_gettime, 1L << 32, (long)&now, 0, 0, 0, 0));
    printf("clock 1-2^32: %ld\n",
           syscall6(SYS_clock_gettime, 1 - (1L << 32), (long)&now, 0, 0, 0, 0));
    printf("clock 2^32+99: %ld\n",
           syscall6(SYS_clock_gettime, (1L << 32) + 99, (long)&now, 0, 0, 0, 0));
    printf("gettimeofday to nowhere: %d\n", gettimeofday(NULL, NULL));
    for (int i = 0; i < count; i++) {
        void *address = (void *)strtoul(addresses[i], NULL, 16);

        printf("clock_gettime to %s: %d\n", addresses[i], clock_gettime(CLOCK_MONOTONIC, address));
        if (address != NULL)
            printf("gettimeofday to %s: %d\n", addresses[i], gettimeofday(address, NULL));
    }
}

int main(int argc, char *argv[])
{
    if (argc > 2 && strcmp(argv[1], "agree") == 0) {
        agree(strtol(argv[2], NULL, 10), argc > 3 ? strtoul(argv[3], NULL, 10) : 1000);
    } else if (argc > 1 && strcmp(argv[1], "bad") == 0) {
        bad(argc - 2, argv + 2);
    } else {
        dprintf(STDERR_FILENO, "usage: clocks agree COUNT [MS] | bad [ADDRESS]...\n");
        return 2;
    }
    return 0;
}
