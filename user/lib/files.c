#include <fcntl.h>
#include <syscall.h>
#include <unistd.h>

#define AT_FDCWD (-100)

int open(const char *path, int flags)
{
    return openat(AT_FDCWD, path, flags);
}

int openat(int directory, const char *path, int flags)
{
    return (int)syscall6(SYS_openat, directory, (long)path, flags, 0666, 0, 0);
}

int close(int fd)
{
    return (int)syscall6(SYS_close, fd, 0, 0, 0, 0, 0);
}

int dup(int fd)
{
    return (int)syscall6(SYS_dup, fd, 0, 0, 0, 0, 0);
}

ssize_t read(int fd, void *buffer, size_t length)
{
    return syscall6(SYS_read, fd, (long)buffer, (long)length, 0, 0, 0);
}

ssize_t pread(int fd, void *buffer, size_t length, long offset)
{
    return syscall6(SYS_pread64, fd, (long)buffer, (long)length, offset, 0, 0);
}

long lseek(int fd, long offset, int whence)
{
    return syscall6(SYS_lseek, fd, offset, whence, 0, 0, 0);
}

int fstat(int fd, struct stat *stat)
{
    return (int)syscall6(SYS_fstat, fd, (long)stat, 0, 0, 0, 0);
}

int stat_path(const char *path, struct stat *stat)
{
    return (int)syscall6(SYS_newfstatat, AT_FDCWD, (long)path, (long)stat, 0, 0, 0);
}

int ftruncate(int fd, long length)
{
    return (int)syscall6(SYS_ftruncate, fd, length, 0, 0, 0, 0);
}

int fsync(int fd)
{
    return (int)syscall6(SYS_fsync, fd, 0, 0, 0, 0, 0);
}

void sync(void)
{
    syscall6(SYS_sync, 0, 0, 0, 0, 0, 0);
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int mkdir(const char *path)
{
    return (int)syscall6(SYS_mkdirat, AT_FDCWD, (long)path, 0777, 0, 0, 0);
}

int isatty(int fd)
{
    enum { TIOCGWINSZ = 0x5413 };
    unsigned short size[4];
    return syscall6(SYS_ioctl, fd, TIOCGWINSZ, (long)size, 0, 0, 0) == 0;
}

long getdents64(int fd, void *buffer, size_t size)
{
    return syscall6(SYS_getdents64, fd, (long)buffer, (long)size, 0, 0, 0);
}

int unlinkat(int directory, const char *path, int flags)
{
    return (int)syscall6(SYS_unlinkat, directory, (long)path, flags, 0, 0, 0);
}
