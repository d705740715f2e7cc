/* Memory, page by page: the calls of POSIX's sys/mman.h, without errno: errors are returned. */
#ifndef USER_MMAN_H
#define USER_MMAN_H

#include <stddef.h>

enum { MADV_NORMAL = 0, MADV_WILLNEED = 3, MADV_DONTNEED = 4 };

/* Say what [address, address + length) will be used for. Returns 0 or a negative error. */
int madvise(void *address, size_t length, int advice);

/* Ask which pages of the range are in memory: bit 0 of one byte a page. Returns 0 or a negative error. */
int mincore(void *address, size_t length, unsigned char *vector);

#endif
