/* say.h: what a call has returned. */
#ifndef SAY_H
#define SAY_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Print a call as it stands there, what it returned, and if that was -1, why. */
#define SAY(call) say(#call, (long)(call))

static inline void say(const char *call, long result)
{
    int error = errno;
    printf("%s: %ld%s%s\n", call, result, result == -1 ? ", " : "",
           result == -1 ? strerror(error) : "");
}

#endif
