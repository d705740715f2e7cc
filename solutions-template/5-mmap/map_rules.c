/*
 * Task 5.1: what can be asked of mmap(), and where there is room.
 */
#include "errno.h"
#include "file.h"
#include "memory.h"
#include "mmap.h"
#include "task.h"

/*
 * The contract of this one is in mmap.h: mmap(address, length, prot, flags, fd, offset) are args[0] to args[5].
 * See mmap(2).  prot, flags and fd are ints: the upper half of their registers says nothing.
 *
 *     -EINVAL    offset is not a multiple of PAGE_SIZE; length is 0; flags & MAP_TYPE is neither MAP_SHARED nor
 *                MAP_PRIVATE; MAP_FIXED or MAP_FIXED_NOREPLACE, and address is not a multiple of PAGE_SIZE
 *     -EBADF     fd is no open file, without MAP_ANONYMOUS; with it fd is nothing, and offset is not used
 *     -ENODEV    the file has no content to look up (no file->ops->page), like the console
 *     -EACCES    the file has not been opened for reading; or MAP_SHARED and PROT_WRITE, and not for writing
 *     -ENOMEM    length in whole pages is more than there is between 0 and USER_END; or MAP_FIXED or
 *                MAP_FIXED_NOREPLACE, and the end would lie beyond USER_END
 *     -EOVERFLOW offset + length, in whole pages, is 2^64 or more
 *     -EPERM     MAP_FIXED or MAP_FIXED_NOREPLACE, and address is below MMAP_MIN
 *
 * When several are wrong, any of them may be told.  Bits of prot and flags that are not in mmap.h are nothing,
 * and whoever asks for PROT_WRITE gets PROT_READ with it.
 */
long mmap_check(struct task *task, const uint64_t args[6], struct map_request *request)
{
    /* TODO(5.1) */
    (void)task, (void)args, (void)request;
    return -ENODEV;
}

/*
 * The contract of this one is in mmap.h.  The part for mappings is [MMAP_BASE, MMAP_END): behind it the stack
 * grows, before it the heap.  A hint need not be page aligned: what it is rounded up to, is meant.
 * area_find_gap() (area.h) looks for room.
 */
uint64_t find_unmapped_area(struct space *space, uint64_t hint, uint64_t length)
{
    /* TODO(5.1) */
    (void)space, (void)hint, (void)length;
    return 0;
}
