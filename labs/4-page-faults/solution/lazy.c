/*
 * Task 4.2: areas whose pages wait until somebody touches them.
 */
#include "demand.h"
#include "errno.h"
#include "frame.h"
#include "memory.h"
#include "space.h"
#include "string.h"

/*
 * The contracts of fill() and drop() are in area.h; anonymous pages are frames of zeros, as in lab 3.
 * What is new: an area may be as large as the address space, and have three pages.  To drop it must not
 * take longer for the pages that it has not: space_next_page() (space.h) finds those that it has, page_run_next()
 * (page_table.h) table by table, and frame_put_all() (frame.h) gives back what a table names.
 */
static int anonymous_fill(struct space *space, const struct area *area, uint64_t va)
{
    /* BEGIN SOLUTION 4.2 */
    uintptr_t frame = frame_alloc();
    if (frame == 0)
        return -ENOMEM;
    int error = page_table->map(&space->table, va, frame, area->prot);
    if (error)
        frame_put(frame);
    return error;
    /* STUB
    (void)space, (void)area, (void)va;
    return -ENOMEM;
    */
    /* END SOLUTION */
}

static void anonymous_drop(struct space *space, const struct area *area, uint64_t start,
                           uint64_t end)
{
    (void)area;
    /* BEGIN SOLUTION 4.2 */
    struct page_run run = {.behind = start};
    while (page_run_next(&space->table, &run, end)) {
        frame_put_all(run.first, run.last);
        memset(run.first, 0, (size_t)(run.last - run.first) * sizeof(*run.first));
    }
    tlb_flush();
    /* STUB
    (void)space, (void)start, (void)end;
    */
    /* END SOLUTION */
}

static const struct backend anonymous = {
    .name = "anonymous", .fill = anonymous_fill, .drop = anonymous_drop};

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
    /* BEGIN SOLUTION 4.2 */
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
    /* STUB
    return lower->map(space, wanted);
    */
    /* END SOLUTION */
}

/* What is left out here, lab 3's serves: .anonymous too, until your fill() and drop() are done. */
/* BEGIN SOLUTION 4.2 */
static const struct spaces_ops lazy_areas = {.map = map_lazily, .anonymous = &anonymous};
/* STUB
static const struct backend *const unfinished = &anonymous;
static const struct spaces_ops lazy_areas = {.map = map_lazily};
*/
/* END SOLUTION */
PROVIDE(spaces, 4, lazy_areas);
