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
