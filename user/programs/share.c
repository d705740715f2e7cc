/*
 * share PRIORITY MILLISECONDS [AFTER [EACH]]: takes the CPU as it gets it, until so much time has passed since power-on;
 * first it sleeps for AFTER milliseconds, and again for EACH whenever it has worked for EACH.
 *
 * PRIORITY 0: as it is. Prints its arguments and how often it has looked at the clock, which is a measure of the time
 * that it had: "16 5000: 123456". Exits with 0, or 1 if there is no such priority. Linux: no.
 */
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void doze(unsigned long ms)
{
    const struct timespec time = {.tv_sec = (long)ms / 1000, .tv_nsec = (long)ms % 1000 * 1000000};

    nanosleep(&time, NULL);
}

int main(int argc, char *argv[])
{
    const unsigned long ms = 1000 * TICKS_PER_MICROSECOND;
    unsigned long number[4] = {0}, looks = 0;

    for (int i = 1; i < argc && i <= 4; i++)
        number[i - 1] = strtoul(argv[i], NULL, 10);
    if (number[0] && set_priority((int)number[0]) != (int)number[0])
        return 1;
    if (number[2])
        doze(number[2]);
    for (unsigned long begin = rdtime(), now; (now = rdtime()) < number[1] * ms; looks++) {
        if (!number[3] || now - begin < number[3] * ms)
            continue;
        doze(number[3]);
        begin = rdtime();
    }
    for (int i = 1; i < argc; i++)
        printf(i > 1 ? " %s" : "%s", argv[i]);
    printf(": %lu\n", looks);
    return 0;
}
