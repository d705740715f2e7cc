/* 3.4: pages first: an area joins the set when all of it is there. */
#include "errno.h"
#include "file.h"
#include "frame.h"
#include "kmalloc.h"
#include "memory.h"
#include "space.h"

static int linear_fill(struct space *space, const struct area *area, uint64_t va)
{
    return page_table->map(&space->table, va, va - area->start + area->physical, area->prot);
}

static void linear_drop(struct space *space, const struct area *area, uint64_t start, uint64_t end)
{
    (void)area;
    while (end > start) {
        end -= PAGE_SIZE;
        page_table->unmap(&space->table, end);
    }
}

static int anonymous_fill(struct space *space, const struct area *area, uint64_t va)
{
    /* Mapped without access until there is a frame for it. */
    uintptr_t frame = frame_alloc();
    int error = frame ? page_table->map(&space->table, va, frame, PROT_NONE) : -ENOMEM;
    if (!error)
        error = page_table->protect(&space->table, va, area->prot);
    else if (frame)
        frame_put(frame);
    return error;
}

static void anonymous_drop(struct space *space, const struct area *area, uint64_t start,
                           uint64_t end)
{
    (void)area;
    while (end > start) {
        end -= PAGE_SIZE;
        uint64_t pte = page_table->unmap(&space->table, end);
        if (pte)
            frame_put(pte_frame(pte));
    }
}

static const struct backend linear = {.name = "linear", .fill = linear_fill, .drop = linear_drop};
static const struct backend anonymous = {
    .name = "anonymous", .fill = anonymous_fill, .drop = anonymous_drop};

static void unmap_area(struct space *space, struct area *area)
{
    area_remove(&space->areas, area);
    area->backend->drop(space, area, area->start, area->end);
    if (area->file)
        file_put(area->file);
    kfree(area);
}

static int map_area(struct space *space, const struct area *wanted)
{
    const struct area *next = area_find_from(&space->areas, wanted->start);
    if (next && next->start < wanted->end)
        return -EEXIST;
    struct area *area = kmalloc(sizeof(*area));
    if (!area)
        return -ENOMEM;
    *area = *wanted;
    uint64_t va = area->start;
    int error = 0;
    if (area->populate)
        while (va < area->end && (error = area->backend->fill(space, area, va)) == 0)
            va += PAGE_SIZE;
    if (error) {
        area->backend->drop(space, area, area->start, va);
        kfree(area);
        return error;
    }
    if (area->file)
        area->file->references++;
    return area_insert(&space->areas, area);
}

static const struct spaces_ops pages_first = {
    .linear = &linear, .anonymous = &anonymous, .map = map_area, .unmap = unmap_area};
PROVIDE(spaces, 3, pages_first);
