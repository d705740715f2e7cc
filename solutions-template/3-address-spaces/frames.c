/*
 * Task 3.1: the frame allocator: who has which page of memory.
 */
#include <stdbool.h>

#include "frame.h"
#include "memory.h"
#include "page_table.h"
#include "panic.h"
#include "string.h"

/*
 * The contracts of these four are in frame.h.  A frame that has been given back is to be given out
 * again; all frames of all regions are to be used; and no operation looks through all frames.
 *
 * frame_table has an entry for every page of memory, all zero at boot: references says how many
 * there are, 0 for a page that is free, or that is none of your frames; link is yours while a frame is
 * free.  frame_of() and frame_address() lead from one to the other.
 *
 * A frame that comes back holds what its last user left in it, and even one that nobody has used may
 * hold something: the firmware has put its device tree somewhere into this memory.
 */

/* TODO(3.1) */

static void init(const struct region regions[], size_t count)
{
    /* TODO(3.1) */
    (void)regions, (void)count;
}

/* TODO(3.1) */

static uintptr_t alloc(void)
{
    /* TODO(3.1) */
    return 0;
}

/*
 * As alloc(), but the frame need not be zero: its caller overwrites all of it.  Nothing has to be written here, alloc()
 * will do.  NULL below, in place of it, is right, too.
 */
static uintptr_t take(void)
{
    /* TODO(3.1) */
    return alloc();
}

static void get(uintptr_t frame)
{
    /* TODO(3.1) */
    (void)frame;
}

static void put(uintptr_t frame)
{
    /* TODO(3.1) */
    (void)frame;
}

/* Given: many at once, which the compiler makes one loop of, with your get() and put() inside. */
static void get_all(const uint64_t *first, const uint64_t *last)
{
    for (const uint64_t *entry = first; entry < last; entry++)
        if (*entry)
            get(pte_frame(*entry));
}

static void put_all(const uint64_t *first, const uint64_t *last)
{
    for (const uint64_t *entry = first; entry < last; entry++)
        if (*entry)
            put(pte_frame(*entry));
}

static const struct frames_ops allocator = {init, alloc, get, put, take, get_all, put_all};
PROVIDE(frames, 3, allocator);
