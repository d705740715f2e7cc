/* 5.7: pages are at both places until all have come, each with its D. */
#include "errno.h"
#include "memory.h"
#include "mmap.h"
#include "syscall.h"
#include "task.h"

enum { MREMAP_MAYMOVE = 1, MREMAP_FIXED = 2 };

bool change_dirty(struct space *space, uint64_t va, bool dirty); /* shared.c */

/* Take the entries of [start, end) away, and leave their frames to whoever has them now. */
static void forget_pages(struct space *space, uint64_t start, uint64_t end)
{
    for (uint64_t va = start; (va = space_next_page(space, va, end)) < end; va += PAGE_SIZE)
        page_table->unmap(&space->table, va);
}

/* Map the pages of an area in another one, too.  0 or -ENOMEM: none is then. */
static int show_pages(struct space *space, const struct area *old, const struct area *new)
{
    uint64_t va = old->start;
    while ((va = space_next_page(space, va, old->end)) < old->end) {
        uint64_t pte = page_table->find(&space->table, va), to = new->start + (va - old->start);
        int error = page_table->map(&space->table, to, pte_frame(pte), pte_prot(pte));
        if (error) {
            forget_pages(space, new->start, to);
            return error;
        }
        if (old->shared)
            change_dirty(space, to, pte & PTE_D);
        va += PAGE_SIZE;
    }
    return 0;
}

/* Move a whole area.  Returns the place or an error. */
static long move(struct space *space, struct area *area, uint64_t to, uint64_t size)
{
    struct area wanted = *area;
    wanted.start = to;
    wanted.end = to + size;
    wanted.populate = false;
    int error = slot_below(spaces, 4)->map(space, &wanted);
    if (error)
        return error;
    struct area *moved = area_find(&space->areas, to);
    error = show_pages(space, area, moved);
    if (error) {
        spaces->unmap(space, moved);
        return error;
    }
    forget_pages(space, area->start, area->end);
    spaces->unmap(space, area);
    return (long)to;
}

/* [start, end), as an area of its own; NULL without memory. */
static struct area *cut_out(struct space *space, uint64_t start, uint64_t end)
{
    struct area *area = area_find(&space->areas, start);
    if (area->end > end && !area_split(&space->areas, area, end))
        return NULL;
    return area->start < start ? area_split(&space->areas, area, start) : area;
}

static long sys_mremap(struct task *task, const uint64_t args[6])
{
    struct space *space = task->process->space;
    const uint64_t start = args[0], size = page_up(args[2]), flags = args[3];
    const bool may_move = flags & MREMAP_MAYMOVE, fixed = flags & MREMAP_FIXED;
    uint64_t old = page_up(args[1]), to = args[4];

    if (flags > (MREMAP_MAYMOVE | MREMAP_FIXED) || (fixed && !may_move))
        return -EINVAL;
    if (start % PAGE_SIZE || old == 0 || size == 0)
        return -EINVAL;
    if (size > USER_END)
        return fixed ? -EINVAL : -ENOMEM;
    if (fixed && (to % PAGE_SIZE || to < MMAP_MIN || to > USER_END - size))
        return -EINVAL;
    const struct area *area = start < USER_END ? area_find(&space->areas, start) : NULL;
    if (!area || area->end - start < old)
        return -EFAULT;
    if (fixed && start < to + size && to < start + old)
        return -EINVAL;

    if (size < old) {
        int error = unmap_range(space, start + size, start + old);
        if (error)
            return error;
        old = size;
    }
    if (!fixed) {
        const uint64_t limit = start < MMAP_END ? MMAP_END : USER_STACK_TOP;
        struct area *growing = area_find(&space->areas, start);
        if (size == old)
            return (long)start;
        if (growing->end == start + old && limit - start >= size &&
            area_resize(&space->areas, growing, growing->start, start + size) == 0)
            return (long)start;
        if (!may_move || !(to = find_unmapped_area(space, 0, size)))
            return -ENOMEM;
    } else {
        int error = unmap_range(space, to, to + size);
        if (error)
            return error;
    }
    struct area *whole = cut_out(space, start, start + old);
    return whole ? move(space, whole, to, size) : -ENOMEM;
}
SYSCALL(SYS_MREMAP, sys_mremap);
