#include <syscall.h>
#include <unistd.h>

ssize_t write(int fd, const void *buffer, size_t length)
{
    return syscall6(SYS_write, fd, (long)buffer, (long)length, 0, 0, 0);
}

_Noreturn void _exit(int code)
{
    /* A kernel whose exit returns is wrong, but the program must not run on into what follows. */
    for (;;)
        syscall6(SYS_exit, code, 0, 0, 0, 0, 0);
}

int pipe2(int fds[2], int flags)
{
    return (int)syscall6(SYS_pipe2, (long)fds, flags, 0, 0, 0, 0);
}

int dup3(int from, int to, int flags)
{
    return (int)syscall6(SYS_dup3, from, to, flags, 0, 0, 0);
}

int fork(void)
{
    const long sigchld = 17;
    return (int)syscall6(SYS_clone, sigchld, 0, 0, 0, 0, 0);
}

int execve(const char *path, char *const argv[], char *const envp[])
{
    return (int)syscall6(SYS_execve, (long)path, (long)argv, (long)envp, 0, 0, 0);
}

int spawn(const char *path, char *const argv[], char *const envp[])
{
    return (int)syscall6(SYS_spawn, (long)path, (long)argv, (long)envp, 0, 0, 0);
}

int getpid(void)
{
    return (int)syscall6(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

int getppid(void)
{
    return (int)syscall6(SYS_getppid, 0, 0, 0, 0, 0, 0);
}

int chdir(const char *path)
{
    return (int)syscall6(SYS_chdir, (long)path, 0, 0, 0, 0, 0);
}

long getcwd(char *buffer, size_t size)
{
    return syscall6(SYS_getcwd, (long)buffer, (long)size, 0, 0, 0, 0);
}
