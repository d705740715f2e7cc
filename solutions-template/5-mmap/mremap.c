/*
 * Task 5.7, a challenge: a mapping that becomes larger or smaller, and may move: mremap().
 */
#include "errno.h"
#include "file.h"
#include "memory.h"
#include "mmap.h"
#include "syscall.h"
#include "task.h"

enum { MREMAP_MAYMOVE = 1, MREMAP_FIXED = 2 };

/* TODO(5.7) */

/*
 * mremap(address, old_size, new_size, flags, new_address): args[0] to args[4].  See mremap(2).  Both sizes are
 * rounded up to pages.  The old range must lie in one area, for what is not so there is -EFAULT.
 *
 *     smaller    the end of the range goes, as with munmap()
 *     larger     if the range ends with its area, and the pages behind are free (and, if the area lies in the
 *                part for mappings, below MMAP_END), it grows there.  Else it moves, with MREMAP_MAYMOVE, to
 *                where find_unmapped_area() says, or it is -ENOMEM.  Pages that are there move, frame by
 *                frame: nothing is copied, nothing is read again.
 *     MREMAP_FIXED, with MREMAP_MAYMOVE: it moves to new_address, and what is there goes first.
 *
 * Of a shared area without a file, Linux and we keep the size that it had: what it grows by is beyond its end,
 * and gives SIGBUS when it is touched.
 *
 * Returns the address; -EINVAL for an address that is not a multiple of PAGE_SIZE, another flag,
 * MREMAP_FIXED without MREMAP_MAYMOVE, a new size of 0 or above USER_END, an old size of 0 (Linux has a meaning for
 * that which this has not), a new range that is not page aligned, begins below MMAP_MIN, ends beyond USER_END, or
 * overlaps the old; -EFAULT; -ENOMEM.
 */
static long sys_mremap(struct task *task, const uint64_t args[6])
{
    /* TODO(5.7) */
    (void)task, (void)args, (void)MREMAP_MAYMOVE, (void)MREMAP_FIXED;
    return -ENOSYS;
}
SYSCALL(SYS_MREMAP, sys_mremap);
