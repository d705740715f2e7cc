/*
 * Task 5.6: other permissions for what is mapped already: mprotect().
 */
#include "errno.h"
#include "file.h"
#include "memory.h"
#include "mmap.h"
#include "syscall.h"
#include "task.h"

/* TODO(5.6) */

/*
 * mprotect(address, length, prot): args[0] to args[2].  See mprotect(2).  The pages of the range have these
 * permissions from now on, and only they: an area of which they are a part is cut, in three where they are its
 * middle (area_split()).  Pages that are there get them with backend->protect() (area.h), or where that is NULL
 * with page_table->protect(); pages that are missing will come with them.  PROT_WRITE brings PROT_READ with it.
 * What an area was for writing, its pages may not be what its file has: area->modified.
 *
 * Returns what the first of these checks says that applies, in this order; 0 if none does:
 *
 *     -EINVAL   address is not a multiple of PAGE_SIZE
 *     0         length is 0, whatever prot is
 *     -ENOMEM   the range wraps: address plus length, rounded up to pages, is 2^64 or more
 *     -EINVAL   prot has another bit than PROT_READ, PROT_WRITE and PROT_EXEC
 *     -ENOMEM   a page of the range is not mapped, or lies beyond USER_END
 *     -EACCES   prot has PROT_WRITE, and a page's area is shared and its file has not been opened for writing
 *
 * Of the last two, the page with the lowest address decides.  -ENOMEM, too, when there is no memory for a cut.  After
 * these errors, what lies below that page may have changed.
 */
static long sys_mprotect(struct task *task, const uint64_t args[6])
{
    /* TODO(5.6) */
    (void)task, (void)args;
    return -ENOSYS;
}
SYSCALL(SYS_MPROTECT, sys_mprotect);
