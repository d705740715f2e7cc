/* The system calls of POSIX's unistd.h, without errno: errors are returned. */
#ifndef USER_UNISTD_H
#define USER_UNISTD_H

#include <stddef.h>

#ifndef USER_SSIZE_T
#define USER_SSIZE_T
typedef long ssize_t;
#endif

#define STDIN_FILENO 0
#define STDOUT_FILENO 1
#define STDERR_FILENO 2

/*
 * Writes `length` bytes at `buffer` to descriptor `fd`. Returns how many were written, which may
 * be fewer, or a negative error: -EBADF, -EFAULT.
 *
 * Nothing is checked or split here: the kernel sees exactly these three arguments.
 */
ssize_t write(int fd, const void *buffer, size_t length);

/*
 * Lets the heap end at this address and returns where it ends now: elsewhere, when that cannot be. 0 is such an
 * address. This is the system call; the function of C libraries returns 0 or -1.
 */
unsigned long brk(unsigned long end);

/* Ends the program at once. What printf still holds is lost: exit() in stdlib.h writes it first. */
_Noreturn void _exit(int code);

#endif
