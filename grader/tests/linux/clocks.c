/* clocks: time goes on and never back, sleep takes as long as it is to, and dates are what they are. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#include "say.h"

static int64_t now(clockid_t clock)
{
    struct timespec time;
    if (clock_gettime(clock, &time) != 0)
        return -1;
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void going_on(void)
{
    int64_t before = now(CLOCK_MONOTONIC), first = before;
    bool back = false;
    for (int i = 0; i < 2000; i++) {
        int64_t after = now(CLOCK_MONOTONIC);
        back |= after < before;
        before = after;
    }
    printf("it goes back: %d, it goes on: %d\n", back, before > first);
    struct timeval day;
    printf("gettimeofday: %d, ", gettimeofday(&day, NULL));
    int64_t real = now(CLOCK_REALTIME) - ((int64_t)day.tv_sec * 1000000 + day.tv_usec) * 1000;
    printf("the same clock: %d\n", real >= -1000 && real < 10000000000);
    /* What it says may be as old as a tick. */
    int64_t seconds = time(NULL);
    printf("time: %d\n", seconds <= now(CLOCK_REALTIME) / 1000000000 && seconds >= day.tv_sec - 1);
    int64_t raw = now(CLOCK_MONOTONIC_RAW), boot = now(CLOCK_BOOTTIME);
    int64_t coarse = now(CLOCK_MONOTONIC_COARSE);
    printf("other clocks: %d %d %d\n", raw > 0, boot > 0, coarse > 0);
    SAY(clock_gettime(77, &(struct timespec){0}));
}

static void sleeping(void)
{
    static const long lengths[] = {0, 1, 1000000, 20000000};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        int64_t before = now(CLOCK_MONOTONIC);
        int result = nanosleep(&(struct timespec){.tv_nsec = lengths[i]}, NULL);
        printf("nanosleep(%ld): %d, at least as long: %d\n", lengths[i], result,
               now(CLOCK_MONOTONIC) - before >= lengths[i]);
    }
    struct timespec too_many = {.tv_nsec = 1000000000};
    SAY(nanosleep(&too_many, NULL));
    int64_t before = now(CLOCK_MONOTONIC), until = before + 30000000;
    struct timespec at = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};
    int result = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
    printf("until a time: %d, not before it: %d\n", result, now(CLOCK_MONOTONIC) >= until);
    printf("until a time that is over: %d\n",
           clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL));
    at.tv_nsec = -1;
    printf("until no time: %d\n", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL));
    printf("by clocks that none sleeps by: %d %d %d\n",
           clock_nanosleep(77, 0, &(struct timespec){0}, NULL),
           clock_nanosleep(CLOCK_MONOTONIC_COARSE, 0, &(struct timespec){0}, NULL),
           clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &(struct timespec){0}, NULL));
    printf("usleep: %d, sleep: %u\n", usleep(1500), sleep(0));
}

static void working(void)
{
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    clock_t ticks = clock();
    int64_t used = now(CLOCK_PROCESS_CPUTIME_ID);
    volatile unsigned work = 0;
    for (int i = 0; i < 5000000; i++)
        work += (unsigned)i;
    getrusage(RUSAGE_SELF, &after);
    printf("work takes time of the CPU: %d\n", timercmp(&before.ru_utime, &after.ru_utime, <));
    printf("clock: %d\n", ticks >= 0 && clock() > ticks);
    struct tms parts;
    printf("times: %d, at least a hundredth: %d, children: %ld\n", times(&parts) > 0,
           parts.tms_utime + parts.tms_stime > 0, parts.tms_cutime);
    int64_t more = now(CLOCK_PROCESS_CPUTIME_ID);
    usleep(30000);
    printf("the process's clock: %d, it stands while the process sleeps: %d\n", more > used,
           now(CLOCK_PROCESS_CPUTIME_ID) - more < 20000000);
}

static void dates(void)
{
    static const time_t times[] = {0, 951782400, 1767225600, 4102444799, -86400};
    char text[64];
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        struct tm parts;
        gmtime_r(&times[i], &parts);
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %a %b %j %U", &parts);
        printf("%ld: %s, back: %d\n", (long)times[i], text, timegm(&parts) == times[i]);
    }
    setenv("TZ", "UTC0", 1); /* whatever /etc/localtime is */
    struct tm leap = {.tm_year = 124, .tm_mon = 1, .tm_mday = 30};
    time_t moved = mktime(&leap);
    printf("the 30th of February: %s", asctime(localtime(&moved)));
    printf("difference: %g\n", difftime(times[2], times[1]));
}

int main(void)
{
    going_on();
    sleeping();
    working();
    dates();
    return 0;
}
