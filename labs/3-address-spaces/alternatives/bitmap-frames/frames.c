/*
 * 3.1: a bit for each page of memory, 1 for those that can be had; next fit.  A region joins when those
 * before it are used up for the first time.
 */
#include <stdbool.h>

#include "frame.h"
#include "kmalloc.h"
#include "memory.h"
#include "panic.h"
#include "string.h"

static uint64_t *available;
static size_t words, at; /* of the bitmap: how many, and where to look first */
static struct region waiting[FRAME_REGIONS];
static size_t joined;

static size_t number_of(uintptr_t frame)
{
    return (frame - platform.memory_start) / PAGE_SIZE;
}

static void init(const struct region regions[], size_t count)
{
    words = (platform.memory_size / PAGE_SIZE + 63) / 64;
    available = kmalloc(words * sizeof(*available));
    assert(available);
    memset(available, 0, words * sizeof(*available));
    for (size_t i = 0; i < count; i++)
        waiting[i] = regions[i];
}

/* Set the bits of the next region; false when all have joined. */
static bool join(void)
{
    if (joined == FRAME_REGIONS)
        return false;
    struct region region = waiting[joined++];
    for (uintptr_t frame = region.start; frame < region.end; frame += PAGE_SIZE)
        available[number_of(frame) / 64] |= 1UL << number_of(frame) % 64;
    return true;
}

static uintptr_t alloc(void)
{
    for (size_t tries = 0; tries < words; tries++, at = (at + 1) % words) {
        if (!available[at])
            continue;
        size_t bit = (size_t)__builtin_ctzl(available[at]);
        available[at] &= available[at] - 1;
        struct frame *frame = &frame_table[at * 64 + bit];
        uintptr_t address = frame_address(frame);
        /* What has come back was cleared then: link says so. */
        if (!frame->link)
            memset((void *)address, 0, PAGE_SIZE);
        frame->link = 0;
        frame->references = 1;
        return address;
    }
    return join() ? alloc() : 0;
}

static void expect_in_use(uintptr_t frame)
{
    if (frame < platform.memory_start || frame >= platform.memory_start + platform.memory_size)
        panic("no such frame: 0x%lx", frame);
    if ((frame & (PAGE_SIZE - 1)) || !frame_of(frame)->references)
        panic("nobody uses a frame at 0x%lx", frame);
}

static void get(uintptr_t frame)
{
    expect_in_use(frame);
    frame_of(frame)->references += 1;
}

static void put(uintptr_t frame)
{
    expect_in_use(frame);
    frame_of(frame)->references -= 1;
    if (frame_of(frame)->references)
        return;
    memset((void *)frame, 0, PAGE_SIZE);
    frame_of(frame)->link = 1;
    available[number_of(frame) / 64] |= 1UL << number_of(frame) % 64;
}

static const struct frames_ops bitmap = {init, alloc, get, put};
PROVIDE(frames, 3, bitmap);
