/*
 * Task 4.2: areas whose pages wait until somebody touches them.
 */
#include "demand.h"
#include "errno.h"
#include "frame.h"
#include "memory.h"
#include "space.h"

/*
 * The contracts of fill() and drop() are in area.h; anonymous pages are frames of zeros, as in lab 3.
 * What is new: an area may be as large as the address space, and have three pages.  To drop it must not
 * take longer for the pages that it has not: space_next_page() (space.h) finds those that it has.
 */
static int anonymous_fill(struct space *space, const struct area *area, uint64_t va)
{
    uintptr_t frame = frame_alloc();
    if (frame == 0)
        return -ENOMEM;
    int error = page_table->map(&space->table, va, frame, area->prot);
    if (error)
        frame_put(frame);
    return error;
}

static void anonymous_drop(struct space *space, const struct area *area, uint64_t start,
                           uint64_t end)
{
    (void)area;
    for (uint64_t va = start; (va = space_next_page(space, va, end)) < end; va += PAGE_SIZE)
        frame_put(pte_frame(page_table->unmap(&space->table, va)));
}

/* From page_fault.c: the frame of zeros that pages share until they are written. */
extern uintptr_t zeros;

/* Pages that share the zeros must not get PROT_WRITE: they go, and come again as the area permits. */
static void anonymous_protect(struct space *space, const struct area *area, uint64_t start,
                              uint64_t end, unsigned prot)
{
    (void)area;
    for (uint64_t va = start; (va = space_next_page(space, va, end)) < end; va += PAGE_SIZE) {
        if (pte_frame(page_table->find(&space->table, va)) == zeros)
            frame_put(pte_frame(page_table->unmap(&space->table, va)));
        else
            page_table->protect(&space->table, va, prot);
    }
}

static const struct backend anonymous = {.name = "anonymous",
                                         .fill = anonymous_fill,
                                         .drop = anonymous_drop,
                                         .protect = anonymous_protect};

/*
 * The contract of this one is in space.h, and lab 3's does all of the work still: slot_below(spaces,
 * 4)->map().  But hand it another wish.  Of the areas for user mode (PROT_USER), unless populate_all
 * (demand.h),
 *
 *     those with a file, if segment_backend() is not NULL, get it for their backend, and wait;
 *     those whose backend is spaces->anonymous, which is yours now, wait.
 *
 * To wait is to be mapped without populate: an area without a page.  All others are as *wanted says:
 * nobody can fill the trampoline's page when it is touched, since that is how the kernel is entered.
 */
static int map_lazily(struct space *space, const struct area *wanted)
{
    const struct spaces_ops *lower = slot_below(spaces, 4);
    struct area area = *wanted;
    if ((area.prot & PROT_USER) && !populate_all) {
        if (area.file && segment_backend()) {
            area.backend = segment_backend();
            area.populate = false;
        } else if (area.backend == spaces->anonymous) {
            area.populate = false;
        }
    }
    return lower->map(space, &area);
}

/* What is left out here, lab 3's serves: .anonymous too, until your fill() and drop() are done. */
static const struct spaces_ops lazy_areas = {.map = map_lazily, .anonymous = &anonymous};
PROVIDE(spaces, 4, lazy_areas);
