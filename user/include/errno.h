/*
 * Error numbers, with Linux's values. There is no variable errno: a call that fails returns the
 * negative of one of these.
 */
#ifndef USER_ERRNO_H
#define USER_ERRNO_H

#define EPERM 1   /* not permitted */
#define ENOENT 2  /* no such file */
#define ESRCH 3   /* no such process */
#define EINTR 4   /* interrupted */
#define EIO 5     /* the device failed */
#define E2BIG 7   /* argument list too long */
#define ENOEXEC 8 /* not a program */
#define EBADF 9   /* no such descriptor, or not open for this */
#define ECHILD 10 /* no such child */
#define EAGAIN 11 /* not now */
#define ENOMEM 12 /* out of memory */
#define EACCES 13 /* not allowed */
#define EFAULT 14 /* an address that is not the program's */
#define EBUSY 16
#define EEXIST 17
#define ENOTDIR 20
#define EISDIR 21
#define EINVAL 22 /* an argument makes no sense */
#define EMFILE 24 /* too many open files */
#define ENOTTY 25
#define ENOSPC 28
#define EROFS 30 /* a file system for reading only */
#define EPIPE 32 /* nobody reads any more */
#define ERANGE 34
#define ENAMETOOLONG 36
#define ENOSYS 38 /* no such system call */
#define ENOTEMPTY 39

/* What an error means, positive or negative: "no such file"; "error 99" for one that is not listed here. */
const char *error_text(long error);

#endif
