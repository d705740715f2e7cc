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
