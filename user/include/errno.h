/*
 * Error numbers, with Linux's values. There is no variable errno: a call that fails returns the
 * negative of one of these.
 */
#ifndef USER_ERRNO_H
#define USER_ERRNO_H

#define EPERM 1   /* not permitted */
#define ENOENT 2  /* no such file */
#define EINTR 4   /* interrupted */
#define E2BIG 7   /* argument list too long */
#define EBADF 9   /* no such descriptor, or not open for this */
#define ENOMEM 12 /* out of memory */
#define EFAULT 14 /* an address that is not the program's */
#define EINVAL 22 /* an argument makes no sense */
#define ENOSYS 38 /* no such system call */

#endif
