/*
 * Task 3.4: areas become pages: the two simplest backends, mapping and unmapping.
 */
#include "errno.h"
#include "file.h"
#include "frame.h"
#include "kmalloc.h"
#include "memory.h"
#include "space.h"

/*
 * The contracts of fill() and drop() are in area.h.
 *
 * linear: the page at va lies as far behind area->physical as va is behind area->start.  The memory is
 * somebody else's: nothing is taken for it, and nothing given back.
 */
static int linear_fill(struct space *space, const struct area *area, uint64_t va)
{
    /* TODO(3.4) */
    (void)space, (void)area, (void)va;
    return -ENOMEM;
}

static void linear_drop(struct space *space, const struct area *area, uint64_t start, uint64_t end)
{
    (void)area;
    /* TODO(3.4) */
    (void)space, (void)start, (void)end;
}

/* anonymous: a page is a frame of zeros, which goes back with the page. */
static int anonymous_fill(struct space *space, const struct area *area, uint64_t va)
{
    /* TODO(3.4) */
    (void)space, (void)area, (void)va;
    return -ENOMEM;
}

static void anonymous_drop(struct space *space, const struct area *area, uint64_t start,
                           uint64_t end)
{
    (void)area;
    /* TODO(3.4) */
    (void)space, (void)start, (void)end;
}

static const struct backend linear = {.name = "linear", .fill = linear_fill, .drop = linear_drop};
static const struct backend anonymous = {
    .name = "anonymous", .fill = anonymous_fill, .drop = anonymous_drop};

/*
 * The contracts of these two are in space.h; area_insert() and area_remove() keep the set in order, and
 * say when two areas would overlap.  An area is a kmalloc()ed struct of its own.
 */
static void unmap_area(struct space *space, struct area *area)
{
    /* TODO(3.4) */
    (void)space, (void)area;
}

static int map_area(struct space *space, const struct area *wanted)
{
    /* TODO(3.4) */
    (void)space, (void)wanted;
    return -ENOMEM;
}

static const struct spaces_ops areas_of_pages = {
    .map = map_area,
    .unmap = unmap_area,
    .linear = &linear,
    .anonymous = &anonymous,
};
PROVIDE(spaces, 3, areas_of_pages);
