#include <mman.h>
#include <resource.h>
#include <syscall.h>
#include <unistd.h>

unsigned long brk(unsigned long end)
{
    return (unsigned long)syscall6(SYS_brk, (long)end, 0, 0, 0, 0, 0);
}

int getrusage(int who, struct rusage *usage)
{
    return (int)syscall6(SYS_getrusage, who, (long)usage, 0, 0, 0, 0);
}

int madvise(void *address, size_t length, int advice)
{
    return (int)syscall6(SYS_madvise, (long)address, (long)length, advice, 0, 0, 0);
}

int mincore(void *address, size_t length, unsigned char *vector)
{
    return (int)syscall6(SYS_mincore, (long)address, (long)length, (long)vector, 0, 0, 0);
}

long mmap(unsigned long address, size_t length, int prot, int flags, int fd, unsigned long offset)
{
    return syscall6(SYS_mmap, (long)address, (long)length, prot, flags, fd, (long)offset);
}

int munmap(unsigned long address, size_t length)
{
    return (int)syscall6(SYS_munmap, (long)address, (long)length, 0, 0, 0, 0);
}

int mprotect(unsigned long address, size_t length, int prot)
{
    return (int)syscall6(SYS_mprotect, (long)address, (long)length, prot, 0, 0, 0);
}

int msync(unsigned long address, size_t length, int flags)
{
    return (int)syscall6(SYS_msync, (long)address, (long)length, flags, 0, 0, 0);
}

long mremap(unsigned long address, size_t old, size_t length, int flags, unsigned long to)
{
    return syscall6(SYS_mremap, (long)address, (long)old, (long)length, flags, (long)to, 0);
}
