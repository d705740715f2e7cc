/*
 * Task 5.6: other permissions for what is mapped already: mprotect().
 */
#include "errno.h"
#include "file.h"
#include "memory.h"
#include "mmap.h"
#include "syscall.h"
#include "task.h"

/* BEGIN SOLUTION 5.6 */
/*
 * Give [start, end), all of which lies in area, other permissions.  The area may have to be cut up to twice; then
 * what is left of it keeps the old ones.  Returns 0, -ENOMEM or -EACCES.
 */
static int protect_part(struct space *space, struct area *area, uint64_t start, uint64_t end,
                        unsigned prot)
{
    if (area->prot == prot)
        return 0;
    if (area->shared && (prot & PROT_WRITE) && !file_can_write(area->file))
        return -EACCES;
    if (start > area->start && !(area = area_split(&space->areas, area, start)))
        return -ENOMEM;
    if (end < area->end && !area_split(&space->areas, area, end))
        return -ENOMEM;
    if (area->backend->protect) {
        area->backend->protect(space, area, start, end, prot);
    } else {
        for (uint64_t va = start; (va = space_next_page(space, va, end)) < end; va += PAGE_SIZE)
            page_table->protect(&space->table, va, prot);
    }
    if (prot & PROT_EXEC)
        __asm__ volatile("fence.i" ::: "memory");
    area->modified |= (area->prot & PROT_WRITE) != 0;
    area->prot = prot;
    return 0;
}
/* STUB
*/
/* END SOLUTION */

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
    /* BEGIN SOLUTION 5.6 */
    struct space *space = task->process->space;
    uint64_t start = args[0], end = start + page_up(args[1]);
    unsigned prot = (unsigned)args[2];
    if (start % PAGE_SIZE != 0)
        return -EINVAL;
    if (args[1] == 0)
        return 0;
    if (end <= start)
        return -ENOMEM;
    if (args[2] & ~(uint64_t)(PROT_READ | PROT_WRITE | PROT_EXEC))
        return -EINVAL;
    if (end > USER_END)
        return -ENOMEM;
    prot |= PROT_USER | (prot & PROT_WRITE ? PROT_READ : 0);
    while (start < end) {
        struct area *area = area_find(&space->areas, start);
        if (!area)
            return -ENOMEM;
        uint64_t part_end = area->end < end ? area->end : end;
        int error = protect_part(space, area, start, part_end, prot);
        if (error)
            return error;
        start = part_end;
    }
    return 0;
    /* STUB
    (void)task, (void)args;
    return -ENOSYS;
    */
    /* END SOLUTION */
}
SYSCALL(SYS_MPROTECT, sys_mprotect);
