/*
 * on_linux.h: what a program of user/programs expects of its library, made of the host's: a call that fails
 * returns its error.  Included before it by on_linux.py.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long told(long result)
{
    return result == -1 ? -errno : result;
}

#define open(path, flags) told(open(path, flags, 0666))
#define openat(directory, path, flags) told(openat(directory, path, flags, 0666))
#define close(fd) told(close(fd))
#define dup(fd) told(dup(fd))
#define fsync(fd) told(fsync(fd))
#define fstat(fd, stat) told(fstat(fd, stat))
#define ftruncate(fd, size) told(ftruncate(fd, size))
#define lseek(fd, offset, whence) told(lseek(fd, offset, whence))
#define unlink(path) told(unlink(path))
#define unlinkat(directory, path, flags) told(unlinkat(directory, path, flags))
#define mkdir(path) told(mkdir(path, 0777))
#define rmdir(path) told(rmdir(path))
#define chdir(path) told(chdir(path))
#define getcwd(buffer, size) told(syscall(SYS_getcwd, buffer, size))
#define getdents64(fd, buffer, size) told(getdents64(fd, buffer, size))
#define dup3(from, to, flags) told(dup3(from, to, flags))
#define pipe2(fds, flags) told(pipe2(fds, flags))
#define brk(end) syscall(SYS_brk, end)
#define fork() told(fork())
#define waitpid(pid, status, options) told(waitpid(pid, status, options))
#define kill(pid, signal) told(kill(pid, signal))
#define read(fd, bytes, size) told(read(fd, bytes, size))
#define pread(fd, bytes, size, offset) told(pread(fd, bytes, size, offset))
#define write(fd, bytes, size) told(write(fd, bytes, size))
#define mmap(address, size, prot, flags, fd, offset) \
    told((long)mmap((void *)(address), size, prot, flags, fd, (off_t)(offset)))
#define munmap(address, size) told(munmap((void *)(address), size))
#define mprotect(address, size, prot) told(mprotect((void *)(address), size, prot))
#define msync(address, size, flags) told(msync((void *)(address), size, flags))
#define mremap(address, old, size, flags, to) \
    told((long)mremap((void *)(address), old, size, flags, (void *)(to)))

static int stat_path(const char *path, struct stat *buffer)
{
    return (int)told(stat(path, buffer));
}

static void checkpoint(void)
{
}

/* No macro with arguments: its address is taken, too. */
static int execve_or_error(const char *path, char *const argv[], char *const envp[])
{
    return (int)told(execve(path, argv, envp));
}
#define execve execve_or_error

/* Linux has no such call: a child that becomes the program, or says through a pipe why it cannot. */
static int spawn(const char *path, char *const argv[], char *const envp[])
{
    int ends[2], pid, error = 0;

    pipe2(ends, O_CLOEXEC);
    pid = fork();
    if (pid == 0) {
        error = execve(path, argv, envp);
        write(ends[1], &error, sizeof(error));
        _exit(1);
    }
    close(ends[1]);
    read(ends[0], &error, sizeof(error));
    close(ends[0]);
    if (error)
        waitpid(pid, NULL, 0);
    return error ? error : pid;
}

/* Line by line, as our own library writes. */
static __attribute__((constructor)) void set_buffer(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
}
