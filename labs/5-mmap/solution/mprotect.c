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
 * Returns 0, at once for a length of 0; -EINVAL for an address that is not a multiple of PAGE_SIZE, and for a bit of
 * prot other than PROT_READ, PROT_WRITE and PROT_EXEC; -ENOMEM when some of the range (its length rounded up)
 * is not mapped or beyond USER_END, or there is no memory for a cut; -EACCES for PROT_WRITE where the area is
 * shared and its file has not been opened for writing.  After -ENOMEM and -EACCES, what lies before the place at
 * which it went wrong may have changed.
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
    if (end <= start || end > USER_END)
        return -ENOMEM;
    if (args[2] & ~(uint64_t)(PROT_READ | PROT_WRITE | PROT_EXEC))
        return -EINVAL;
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
