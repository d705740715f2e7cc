/* Memory, page by page: the calls of POSIX's sys/mman.h, without errno: errors are returned. */
#ifndef USER_MMAN_H
#define USER_MMAN_H

#include <stddef.h>

enum { PROT_NONE = 0, PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4 };

enum {
    MAP_SHARED = 1,
    MAP_PRIVATE = 2,
    MAP_FIXED = 0x10,
    MAP_ANONYMOUS = 0x20,
    MAP_POPULATE = 0x8000,
    MAP_FIXED_NOREPLACE = 0x100000
};

enum { MS_ASYNC = 1, MS_INVALIDATE = 2, MS_SYNC = 4 };
enum { MREMAP_MAYMOVE = 1, MREMAP_FIXED = 2 };

/* Map memory, or a file. Returns where, or a negative error: a value from -4095 to -1. */
long mmap(unsigned long address, size_t length, int prot, int flags, int fd, unsigned long offset);

/* Unmap a range, give it other permissions, write what is shared in it to its files. 0 or a negative error. */
int munmap(unsigned long address, size_t length);
int mprotect(unsigned long address, size_t length, int prot);
int msync(unsigned long address, size_t length, int flags);

/* Let a mapping have another size, and perhaps another place. Returns it, or a negative error. */
long mremap(unsigned long address, size_t old, size_t length, int flags, unsigned long to);

enum { MADV_NORMAL = 0, MADV_WILLNEED = 3, MADV_DONTNEED = 4 };

/* Say what [address, address + length) will be used for. Returns 0 or a negative error. */
int madvise(void *address, size_t length, int advice);

/* Ask which pages of the range are in memory: bit 0 of one byte a page. Returns 0 or a negative error. */
int mincore(void *address, size_t length, unsigned char *vector);

#endif
