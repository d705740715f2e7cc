/*
 * time.h: times as programs see them, laid out as on Linux (include/uapi/linux/time_types.h).
 */
#ifndef TIME_H
#define TIME_H

#include <stdint.h>

enum { CLOCK_REALTIME = 0, CLOCK_MONOTONIC = 1 };

struct timespec {
    int64_t tv_sec;
    int64_t tv_nsec; /* 0 to 999,999,999 */
};

struct timeval {
    int64_t tv_sec;
    int64_t tv_usec; /* 0 to 999,999 */
};

#endif
