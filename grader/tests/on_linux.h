/*
 * on_linux.h: what a program of user/programs expects of its library, made of the host's: a call that fails
 * returns its error.  Included before it by on_linux.py.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
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

static void checkpoint(void)
{
}

/* Line by line, as our own library writes. */
static __attribute__((constructor)) void set_buffer(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
}
