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
    /* TODO(4.2) */
    (void)space, (void)area, (void)va;
    return -ENOMEM;
}

static void anonymous_drop(struct space *space, const struct area *area, uint64_t start,
                           uint64_t end)
{
    (void)area;
    /* TODO(4.2) */
    (void)space, (void)start, (void)end;
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
    /* TODO(4.2) */
    return lower->map(space, wanted);
}

/* What is left out here, lab 3's serves: .anonymous too, until your fill() and drop() are done. */
/* TODO(4.2) */
static const struct backend *const unfinished = &anonymous;
static const struct spaces_ops lazy_areas = {.map = map_lazily};
PROVIDE(spaces, 4, lazy_areas);
