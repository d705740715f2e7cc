#include <errno.h>
#include <stdio.h>

const char *error_text(long error)
{
    static const char *const texts[] = {
        [EPERM] = "not permitted",        [ENOENT] = "no such file or directory",
        [ESRCH] = "no such process",      [EINTR] = "interrupted",
        [EIO] = "the device failed",      [E2BIG] = "too many arguments",
        [ENOEXEC] = "not a program",      [EBADF] = "not open for this",
        [ECHILD] = "no such child",       [EAGAIN] = "not now",
        [ENOMEM] = "out of memory",       [EACCES] = "not allowed",
        [EFAULT] = "bad address",         [EBUSY] = "in use",
        [EEXIST] = "exists already",      [ENOTDIR] = "not a directory",
        [EISDIR] = "is a directory",      [EINVAL] = "bad argument",
        [EMFILE] = "too many open files", [ENOTTY] = "not a terminal",
        [ENOSPC] = "the disk is full",    [EROFS] = "for reading only",
        [EPIPE] = "nobody reads",         [ERANGE] = "too small",
        [ENAMETOOLONG] = "name too long", [ENOSYS] = "no such system call",
        [ENOTEMPTY] = "not empty",
    };
    static char other[24];
    unsigned long number = error < 0 ? -(unsigned long)error : (unsigned long)error;
    if (number < sizeof(texts) / sizeof(texts[0]) && texts[number])
        return texts[number];
    snprintf(other, sizeof(other), "error %lu", number);
    return other;
}
