/* names.c: the names of numbers that people would rather read as words. */
#include "errno.h"
#include "signal.h"

const char *errno_name(long error)
{
    switch (error < 0 ? -error : error) {
    case EPERM:
        return "EPERM";
    case ENOENT:
        return "ENOENT";
    case E2BIG:
        return "E2BIG";
    case ENOEXEC:
        return "ENOEXEC";
    case EBADF:
        return "EBADF";
    case ENOMEM:
        return "ENOMEM";
    case EACCES:
        return "EACCES";
    case EFAULT:
        return "EFAULT";
    case EINVAL:
        return "EINVAL";
    case ENAMETOOLONG:
        return "ENAMETOOLONG";
    case ENOSYS:
        return "ENOSYS";
    default:
        return "errno ?";
    }
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
