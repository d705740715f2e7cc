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
    /* BEGIN SOLUTION 3.4 */
    uintptr_t frame = area->physical + (va - area->start);
    return page_table->map(&space->table, va, frame, area->prot);
    /* STUB
    (void)space, (void)area, (void)va;
    return -ENOMEM;
    */
    /* END SOLUTION */
}

static void linear_drop(struct space *space, const struct area *area, uint64_t start, uint64_t end)
{
    (void)area;
    /* BEGIN SOLUTION 3.4 */
    for (uint64_t va = start; va < end; va += PAGE_SIZE)
        page_table->unmap(&space->table, va);
    /* STUB
    (void)space, (void)start, (void)end;
    */
    /* END SOLUTION */
}

/* anonymous: a page is a frame of zeros, which goes back with the page. */
static int anonymous_fill(struct space *space, const struct area *area, uint64_t va)
{
    /* BEGIN SOLUTION 3.4 */
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
    /* BEGIN SOLUTION 3.4 */
    for (uint64_t va = start; va < end; va += PAGE_SIZE) {
        uint64_t pte = page_table->unmap(&space->table, va);
        if (pte)
            frame_put(pte_frame(pte));
    }
    /* STUB
    (void)space, (void)start, (void)end;
    */
    /* END SOLUTION */
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
    /* BEGIN SOLUTION 3.4 */
    area->backend->drop(space, area, area->start, area->end);
    area_remove(&space->areas, area);
    file_put(area->file);
    kfree(area);
    /* STUB
    (void)space, (void)area;
    */
    /* END SOLUTION */
}

static int map_area(struct space *space, const struct area *wanted)
{
    /* BEGIN SOLUTION 3.4 */
    struct area *area = kmalloc(sizeof(*area));
    if (!area)
        return -ENOMEM;
    *area = *wanted;
    int error = area_insert(&space->areas, area);
    if (error) {
        kfree(area);
        return error;
    }
    if (area->file)
        area->file->references++;
    for (uint64_t va = area->start; area->populate && va < area->end; va += PAGE_SIZE) {
        error = area->backend->fill(space, area, va);
        if (error) {
            area->end = va; /* behind, nothing has been filled */
            unmap_area(space, area);
            return error;
        }
    }
    return 0;
    /* STUB
    (void)space, (void)wanted;
    return -ENOMEM;
    */
    /* END SOLUTION */
}

static const struct spaces_ops areas_of_pages = {
    .map = map_area,
    .unmap = unmap_area,
    .linear = &linear,
    .anonymous = &anonymous,
};
PROVIDE(spaces, 3, areas_of_pages);
