/*
 * Task 4.2: areas whose pages wait until somebody touches them.
 */
#include "demand.h"
#include "space.h"

/*
 * The contract of this one is in space.h, and lab 3's does all of the work still: slot_below(spaces, 4)->map().
 * But hand it another wish.  Of the areas for user mode (PROT_USER), unless populate_all (demand.h),
 *
 *     those with a file, if file_pages->private is not NULL, get it for their backend, and wait;
 *     those whose backend is spaces->anonymous wait.
 *
 * To wait is to be mapped without populate: an area without a page.  All others are as *wanted says: nobody can fill
 * the trampoline's page when it is touched, since that is how the kernel is entered.
 */
static int map_lazily(struct space *space, const struct area *wanted)
{
    const struct spaces_ops *lower = slot_below(spaces, 4);
    /* BEGIN SOLUTION 4.2 */
    struct area area = *wanted;
    if ((area.prot & PROT_USER) && !populate_all) {
        if (area.file && file_pages->private) {
            area.backend = file_pages->private;
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

/* What is left out here, lab 3's serves. */
static const struct spaces_ops lazy_areas = {.map = map_lazily};
PROVIDE(spaces, 4, lazy_areas);
