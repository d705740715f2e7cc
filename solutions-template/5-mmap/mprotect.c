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
 * Returns 0, at once for a length of 0; -EINVAL for an address that is not a multiple of PAGE_SIZE, and for a bit of
 * prot other than PROT_READ, PROT_WRITE and PROT_EXEC; -ENOMEM when some of the range (its length rounded up)
 * is not mapped or beyond USER_END, or there is no memory for a cut; -EACCES for PROT_WRITE where the area is
 * shared and its file has not been opened for writing.  After -ENOMEM and -EACCES, what lies before the place at
 * which it went wrong may have changed.
 */
static long sys_mprotect(struct task *task, const uint64_t args[6])
{
    /* TODO(5.6) */
    (void)task, (void)args;
    return -ENOSYS;
}
SYSCALL(SYS_MPROTECT, sys_mprotect);
