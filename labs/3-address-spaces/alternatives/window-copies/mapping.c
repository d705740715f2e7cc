/* 3.4: an area joins the set when its pages are there. */
#include "errno.h"
#include "file.h"
#include "frame.h"
#include "kmalloc.h"
#include "memory.h"
#include "space.h"

static int linear_fill(struct space *space, const struct area *area, uint64_t va)
{
    return page_table->map(&space->table, va, area->physical + va - area->start, area->prot);
}

static int anonymous_fill(struct space *space, const struct area *area, uint64_t va)
{
    uintptr_t frame = frame_alloc();
    int error = frame ? page_table->map(&space->table, va, frame, area->prot) : -ENOMEM;
    if (error && frame)
        frame_put(frame);
    return error;
}

/* Unmap a part; each page that was there goes to `put` if there is one. */
static void drop(struct space *space, uint64_t start, uint64_t end, void (*put)(uintptr_t frame))
{
    for (; start < end; start += PAGE_SIZE) {
        uint64_t pte = page_table->unmap(&space->table, start);
        if (pte && put)
            put(pte_frame(pte));
    }
}

static void linear_drop(struct space *space, const struct area *area, uint64_t start, uint64_t end)
{
    (void)area;
    drop(space, start, end, NULL);
}

static void anonymous_drop(struct space *space, const struct area *area, uint64_t start,
                           uint64_t end)
{
    (void)area;
    drop(space, start, end, frame_put);
}

static const struct backend linear = {.name = "linear", .fill = linear_fill, .drop = linear_drop};
static const struct backend anonymous = {
    .name = "anonymous", .fill = anonymous_fill, .drop = anonymous_drop};

static int map(struct space *space, const struct area *wanted)
{
    const struct area *next = area_find_from(&space->areas, wanted->start);
    if (next && next->start < wanted->end)
        return -EEXIST;
    struct area *area = kmalloc(sizeof(*area));
    if (!area)
        return -ENOMEM;
    *area = *wanted;
    uint64_t va = area->populate ? area->start : area->end;
    while (va < area->end) {
        int error = area->backend->fill(space, area, va);
        if (error) {
            area->backend->drop(space, area, area->start, va);
            kfree(area);
            return error;
        }
        va += PAGE_SIZE;
    }
    if (area->file)
        area->file->references++;
    return area_insert(&space->areas, area);
}

static void unmap(struct space *space, struct area *area)
{
    struct file *file = area->file;
    area_remove(&space->areas, area);
    area->backend->drop(space, area, area->start, area->end);
    kfree(area);
    file_put(file);
}

static const struct spaces_ops pages_first = {map, unmap, &linear, &anonymous};
PROVIDE(spaces, 3, pages_first);
