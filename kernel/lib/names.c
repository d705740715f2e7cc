/* names.c: the names of numbers that people would rather read as words. */
#include "errno.h"
#include "signal.h"

#define NAMED(number) [number] = #number

const char *errno_name(long error)
{
    static const char *const names[] = {
        NAMED(EPERM),        NAMED(ENOENT),  NAMED(ESRCH),     NAMED(EINTR),  NAMED(EIO),
        NAMED(E2BIG),        NAMED(ENOEXEC), NAMED(EBADF),     NAMED(ECHILD), NAMED(EAGAIN),
        NAMED(ENOMEM),       NAMED(EACCES),  NAMED(EFAULT),    NAMED(EBUSY),  NAMED(EEXIST),
        NAMED(ENODEV),       NAMED(ENOTDIR), NAMED(EISDIR),    NAMED(EINVAL), NAMED(EMFILE),
        NAMED(EFBIG),        NAMED(ENOSPC),  NAMED(ESPIPE),    NAMED(EROFS),  NAMED(EPIPE),
        NAMED(ENAMETOOLONG), NAMED(ENOSYS),  NAMED(EOVERFLOW),
    };
    unsigned long number = error < 0 ? -(unsigned long)error : (unsigned long)error;
    if (number >= sizeof(names) / sizeof(names[0]) || !names[number])
        return "?";
    return names[number];
}

const char *signal_name(int signal)
{
    switch (signal) {
    case SIGILL:
        return "SIGILL";
    case SIGTRAP:
        return "SIGTRAP";
    case SIGBUS:
        return "SIGBUS";
    case SIGKILL:
        return "SIGKILL";
    case SIGSEGV:
        return "SIGSEGV";
    default:
        return "signal ?";
    }
}
