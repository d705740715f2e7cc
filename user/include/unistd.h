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

/* Takes a file's name away, or an empty directory's; makes one. Returns 0 or a negative error. */
int unlink(const char *path);
int rmdir(const char *path);
int mkdir(const char *path);

/* unlink(); a path without a leading slash is meant to begin in a directory. flags: 0, or AT_REMOVEDIR for rmdir(). */
int unlinkat(int directory, const char *path, int flags);
enum { AT_REMOVEDIR = 0x200 };

/* Is this descriptor a terminal's? */
int isatty(int fd);

/*
 * Lets the heap end at this address and returns where it ends now: elsewhere, when that cannot be. 0 is such an
 * address. This is the system call; the function of C libraries returns 0 or -1.
 */
unsigned long brk(unsigned long end);

/* Two descriptors: what is written to the second is read from the first. flags: O_CLOEXEC. 0 or a negative error. */
int pipe2(int fds[2], int flags);

/* Lets `to` be another descriptor for the open file of `from`, whatever it was. Returns it, or a negative error. */
int dup3(int from, int to, int flags);

/* A copy of the program, which goes on here, too. Returns the copy's pid, 0 to the copy, or a negative error. */
int fork(void);

/* Another program in this one's place. Returns only when there is none: a negative error. */
int execve(const char *path, char *const argv[], char *const envp[]);

/* A new process with a program, as after fork() and execve(). A call of Rung's. Its pid, or a negative error. */
int spawn(const char *path, char *const argv[], char *const envp[]);

int getpid(void);
int getppid(void);

/* Lets paths begin elsewhere; where they do: its length with the NUL. 0, or a negative error. */
int chdir(const char *path);
long getcwd(char *buffer, size_t size);

/* Ends the program at once. What printf still holds is lost: exit() in stdlib.h writes it first. */
_Noreturn void _exit(int code);

#endif
