/* names.c: the names of numbers that people would rather read as words. */
#include <stddef.h>

#include "errno.h"
#include "signal.h"

#define NAMED(number) [number] = #number

const char *errno_name(long error)
{
    static const char *const names[] = {
        NAMED(EPERM),        NAMED(ENOENT),     NAMED(ESRCH),     NAMED(EINTR),     NAMED(EIO),
        NAMED(E2BIG),        NAMED(ENOEXEC),    NAMED(EBADF),     NAMED(ECHILD),    NAMED(EAGAIN),
        NAMED(ENOMEM),       NAMED(EACCES),     NAMED(EFAULT),    NAMED(EBUSY),     NAMED(EEXIST),
        NAMED(ENODEV),       NAMED(ENOTDIR),    NAMED(EISDIR),    NAMED(EINVAL),    NAMED(EMFILE),
        NAMED(EFBIG),        NAMED(ENOSPC),     NAMED(ESPIPE),    NAMED(EROFS),     NAMED(EPIPE),
        NAMED(ENAMETOOLONG), NAMED(ENOSYS),     NAMED(EOVERFLOW), NAMED(ENOTEMPTY), NAMED(ENOTTY),
        NAMED(ERANGE),       NAMED(EOPNOTSUPP),
    };
    unsigned long number = error < 0 ? -(unsigned long)error : (unsigned long)error;
    if (number >= sizeof(names) / sizeof(names[0]) || !names[number])
        return "?";
    return names[number];
}

const char *signal_name(int signal)
{
    static const char *const names[] = {
        NAMED(SIGHUP),  NAMED(SIGINT),  NAMED(SIGQUIT), NAMED(SIGILL),  NAMED(SIGTRAP),
        NAMED(SIGABRT), NAMED(SIGBUS),  NAMED(SIGFPE),  NAMED(SIGKILL), NAMED(SIGUSR1),
        NAMED(SIGSEGV), NAMED(SIGUSR2), NAMED(SIGPIPE), NAMED(SIGALRM), NAMED(SIGTERM),
    };
    bool known = signal > 0 && (size_t)signal < sizeof(names) / sizeof(names[0]);
    return known ? names[signal] : "signal ?";
}
