/* What a program has used: getrusage() of POSIX's sys/resource.h, as far as our kernel counts. */
#ifndef USER_RESOURCE_H
#define USER_RESOURCE_H

#include <time.h>

enum { RUSAGE_SELF = 0, RUSAGE_CHILDREN = -1 };

struct rusage {
    struct timeval ru_utime, ru_stime;
    long ru_maxrss, ru_ixrss, ru_idrss, ru_isrss;
    long ru_minflt; /* pages that came when they were touched */
    long ru_majflt;
    long ru_others[8];
};

/* Returns 0, or a negative error: -EINVAL, -EFAULT. */
int getrusage(int who, struct rusage *usage);

#endif
