/*
 * A host whose CPU has protection keys, for a program that is started with this as LD_PRELOAD.
 *
 * There Linux makes memory that may only be executed unreadable (pkeys(7)).  Other CPUs of the same kind let it be read.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/mman.h>

int mprotect(void *address, size_t size, int protection)
{
    int (*next)(void *, size_t, int) = (int (*)(void *, size_t, int))dlsym(RTLD_NEXT, "mprotect");

    return next(address, size, protection == PROT_EXEC ? PROT_NONE : protection);
}
