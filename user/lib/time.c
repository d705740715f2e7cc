#include <syscall.h>
#include <time.h>

int nanosleep(const struct timespec *request, struct timespec *remaining)
{
    return (int)syscall6(SYS_nanosleep, (long)request, (long)remaining, 0, 0, 0, 0);
}

int clock_gettime(int clock, struct timespec *result)
{
    return (int)syscall6(SYS_clock_gettime, clock, (long)result, 0, 0, 0, 0);
}

int gettimeofday(struct timeval *result, void *zone)
{
    return (int)syscall6(SYS_gettimeofday, (long)result, (long)zone, 0, 0, 0, 0);
}
