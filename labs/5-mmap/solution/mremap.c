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

/* BEGIN SOLUTION 5.7 */
/*
 * Show the pages of an area in another one, too, at the same places.  0 or an error.  Where they are shared it is their
 * backend that knows which have been written, and how it knows: so there it fills the new place, with the file's
 * frames again, and what was written goes to the file when the old place goes.
 */
static int show_pages(struct space *space, const struct area *old, const struct area *moved)
{
    int error = 0;
    for (uint64_t va = old->start; !error && (va = space_next_page(space, va, old->end)) < old->end;
         va += PAGE_SIZE) {
        uint64_t pte = page_table->find(&space->table, va), to = moved->start + (va - old->start);
        if (moved->shared)
            error = moved->backend->fill(space, moved, to);
        else
            error = page_table->map(&space->table, to, pte_frame(pte),
                                    pte_prot(pte) ? pte_prot(pte) : moved->prot & PROT_USER);
    }
    return error;
}

/* Take entries away, and leave the frames to those that have them now. */
static void forget_pages(struct space *space, uint64_t start, uint64_t end)
{
    for (uint64_t va = start; (va = space_next_page(space, va, end)) < end; va += PAGE_SIZE)
        page_table->unmap(&space->table, va);
}

/*
 * Move [start, start + old), a whole area, to a place of `size` bytes.  Its pages are at both places until all have
 * come: to go back would take tables, which may be gone with their last page.  Returns the place or an error.
 */
static long move(struct space *space, struct area *area, uint64_t to, uint64_t size)
{
    struct area wanted = *area;
    wanted.start = to;
    wanted.end = to + size;
    wanted.populate = false;
    int error = slot_below(spaces, 4)->map(space, &wanted);
    if (error)
        return error;
    struct area *moved = area_find(&space->areas, to), *gone = area;
    error = show_pages(space, area, moved);
    if (error)
        gone = moved;
    if (!gone->shared)
        forget_pages(space, gone->start, gone->end);
    spaces->unmap(space, gone);
    return error ? error : (long)to;
}
/* STUB
*/
/* END SOLUTION */

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
    /* BEGIN SOLUTION 5.7 */
    struct space *space = task->process->space;
    uint64_t start = args[0], old = page_up(args[1]), size = page_up(args[2]), to = args[4];
    uint64_t flags = args[3];
    bool fixed = flags & MREMAP_FIXED;
    if (start % PAGE_SIZE != 0 || flags & ~(uint64_t)(MREMAP_MAYMOVE | MREMAP_FIXED) || old == 0 ||
        size == 0 || size > USER_END)
        return -EINVAL;
    if (fixed && (!(flags & MREMAP_MAYMOVE) || to % PAGE_SIZE != 0 || to > USER_END - size ||
                  to < MMAP_MIN || (to < start + old && start < to + size)))
        return -EINVAL;
    struct area *area = start < USER_END ? area_find(&space->areas, start) : NULL;
    if (!area || old > area->end - start)
        return -EFAULT;
    if (size < old) {
        int error = unmap_range(space, start + size, start + old);
        if (error || !fixed)
            return error ? error : (long)start;
        old = size;
    }
    if (size == old && !fixed)
        return (long)start;
    uint64_t limit = start < MMAP_END ? MMAP_END : USER_STACK_TOP;
    if (!fixed && start + old == area->end && size <= limit - start &&
        space_resize(space, area, area->start, start + size) == 0)
        return (long)start;
    if (!(flags & MREMAP_MAYMOVE))
        return -ENOMEM;
    if (fixed) {
        int error = unmap_range(space, to, to + size);
        if (error)
            return error;
    } else if ((to = find_unmapped_area(space, 0, size)) == 0) {
        return -ENOMEM;
    }
    area = area_find(&space->areas, start);
    if (start > area->start && !(area = area_split(&space->areas, area, start)))
        return -ENOMEM;
    if (start + old < area->end && !area_split(&space->areas, area, start + old))
        return -ENOMEM;
    return move(space, area, to, size);
    /* STUB
    (void)task, (void)args, (void)MREMAP_MAYMOVE, (void)MREMAP_FIXED;
    return -ENOSYS;
    */
    /* END SOLUTION */
}
SYSCALL(SYS_MREMAP, sys_mremap);
