/*
 * Task 4.7, a challenge: programs that know what they will need: madvise() and mincore().
 */
#include <stddef.h>

#include "demand.h"
#include "errno.h"
#include "memory.h"
#include "space.h"
#include "syscall.h"
#include "task.h"
#include "user_memory.h"

enum {
    MADV_NORMAL = 0,
    MADV_RANDOM = 1,
    MADV_SEQUENTIAL = 2,
    MADV_WILLNEED = 3,
    MADV_DONTNEED = 4,
    WILLNEED_PAGES = 256
};

/* TODO(4.7) */

/*
 * madvise(address, length, advice): args[0] to args[2].  See madvise(2): MADV_DONTNEED gives back what
 * the pages hold, so that they are as new when they are touched; MADV_WILLNEED brings in what is missing
 * of the first WILLNEED_PAGES pages that the program has in the range, as far as there is memory: it is only
 * advice, and ends no program.  A program has a page if it lies in an area, whether it is there or missing; an
 * address in no area does not count.  For the other three nothing happens.  Length is rounded up, and no fault
 * is counted.
 *
 * Returns 0; -EINVAL for an address that is not page aligned, a range that wraps, another advice; -ENOMEM
 * when some of the range is not the program's: what is, has been dealt with.
 */
static long sys_madvise(struct task *task, const uint64_t args[6])
{
    /* TODO(4.7) */
    (void)task, (void)args, (void)MADV_NORMAL, (void)WILLNEED_PAGES;
    return -ENOSYS;
}
SYSCALL(SYS_MADVISE, sys_madvise);

/*
 * mincore(address, length, vector): args[0] to args[2].  See mincore(2): a byte for each page of the
 * range, whose bit 0 says whether the page is in memory.
 *
 * Returns 0; -EINVAL for an address that is not page aligned; -ENOMEM when some of the range is not the
 * program's, or it wraps; -EFAULT.
 */
static long sys_mincore(struct task *task, const uint64_t args[6])
{
    /* TODO(4.7) */
    (void)task, (void)args;
    return -ENOSYS;
}
SYSCALL(SYS_MINCORE, sys_mincore);
