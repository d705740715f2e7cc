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

/* Reads up to `length` bytes. Returns how many, 0 at the end, or a negative error. */
ssize_t read(int fd, void *buffer, size_t length);

/* The same at an offset of the file, whose position stays. */
ssize_t pread(int fd, void *buffer, size_t length, long offset);

#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2

/* Sets where the next read or write begins. Returns that, or a negative error. */
long lseek(int fd, long offset, int whence);

/* Lets a file have another length, writes what is in memory only to the disk. 0 or a negative error. */
int ftruncate(int fd, long length);
int fsync(int fd);
void sync(void);

/* Another descriptor for the same open file, or a negative error. */
int dup(int fd);
int close(int fd);

/* Takes a file's name away. Returns 0 or a negative error. */
int unlink(const char *path);

/* The same; a path without a leading slash is meant to begin in a directory. flags: 0. */
int unlinkat(int directory, const char *path, int flags);

/*
 * Lets the heap end at this address and returns where it ends now: elsewhere, when that cannot be. 0 is such an
 * address. This is the system call; the function of C libraries returns 0 or -1.
 */
unsigned long brk(unsigned long end);

/* Ends the program at once. What printf still holds is lost: exit() in stdlib.h writes it first. */
_Noreturn void _exit(int code);

#endif
