/*
 * 3.1: a buddy system.  Frames are given out one by one; what is free is kept in blocks of 2^order
 * frames, aligned to their size, and two halves of a block that are both free become one again.
 *
 * A free block is linked through its own first bytes, and the link of its first frame in
 * frame_table is its order + 1; that of all other free frames is 0.
 */
#include "frame.h"
#include "list.h"
#include "memory.h"
#include "panic.h"
#include "string.h"

enum { ORDERS = 11 }; /* up to 4 MiB */

static struct zone {
    struct region region;
    struct list free[ORDERS];
} zones[FRAME_REGIONS];

static uintptr_t bytes_of(unsigned order)
{
    return (uintptr_t)PAGE_SIZE << order;
}

static void block_free(struct zone *zone, uintptr_t block, unsigned order)
{
    frame_of(block)->link = order + 1;
    list_append(&zone->free[order], (struct list *)block);
}

static void block_take(uintptr_t block)
{
    frame_of(block)->link = 0;
    list_remove((struct list *)block);
}

/* Is there a free block of this order here? */
static bool block_is_free(const struct zone *zone, uintptr_t block, unsigned order)
{
    if (block < zone->region.start || block >= zone->region.end)
        return false;
    const struct frame *entry = frame_of(block);
    return entry->references == 0 && entry->link == order + 1;
}

static void init(const struct region regions[], size_t count)
{
    for (size_t i = 0; i < FRAME_REGIONS; i++)
        for (unsigned order = 0; order < ORDERS; order++)
            list_init(&zones[i].free[order]);
    for (size_t i = 0; i < count; i++) {
        uintptr_t start = regions[i].start, end = regions[i].end;
        zones[i].region = regions[i];
        while (start < end) {
            unsigned order = ORDERS - 1;
            while (start % bytes_of(order) != 0 || end - start < bytes_of(order))
                order--;
            block_free(&zones[i], start, order);
            start += bytes_of(order);
        }
    }
}

/* One frame of the smallest free block; what is above it stays free.  0 when there is none. */
static uintptr_t take_from(struct zone *zone)
{
    for (unsigned order = 0; order < ORDERS; order++) {
        if (list_empty(&zone->free[order]))
            continue;
        uintptr_t block = (uintptr_t)zone->free[order].next;
        block_take(block);
        while (order-- > 0)
            block_free(zone, block + bytes_of(order), order);
        return block;
    }
    return 0;
}

static uintptr_t alloc(void)
{
    for (size_t i = 0; i < FRAME_REGIONS; i++) {
        uintptr_t frame = take_from(&zones[i]);
        if (frame) {
            frame_of(frame)->references = 1;
            return (uintptr_t)memset((void *)frame, 0, PAGE_SIZE);
        }
    }
    return 0;
}

/* The zone of a frame that is in use. */
static struct zone *zone_of(uintptr_t frame)
{
    for (struct zone *zone = zones; zone < zones + FRAME_REGIONS; zone++)
        if (frame >= zone->region.start && frame < zone->region.end && frame % PAGE_SIZE == 0 &&
            frame_of(frame)->references > 0)
            return zone;
    panic("0x%lx is not a frame that anybody has", frame);
}

static void get(uintptr_t frame)
{
    zone_of(frame);
    frame_of(frame)->references++;
}

static void put(uintptr_t frame)
{
    struct zone *zone = zone_of(frame);
    if (--frame_of(frame)->references > 0)
        return;
    frame_of(frame)->link = 0; /* was the owner's */
    uintptr_t block = frame;
    unsigned order = 0;
    for (; order < ORDERS - 1; order++) {
        uintptr_t buddy = block ^ bytes_of(order);
        if (!block_is_free(zone, buddy, order))
            break;
        block_take(buddy);
        block &= ~bytes_of(order);
    }
    block_free(zone, block, order);
}

static const struct frames_ops buddies = {.init = init, .alloc = alloc, .get = get, .put = put};
PROVIDE(frames, 3, buddies);
