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

/* BEGIN SOLUTION 3.1 */
/* What has never been given out: the first frame of each region moves up. */
static struct region fresh[FRAME_REGIONS];

/* The frames that came back: the last one's index in frame_table, and from each the one before. */
static uint32_t recycled;

/* The next frame that has never been given out, or NULL. */
static struct frame *take_fresh(void)
{
    for (size_t i = 0; i < FRAME_REGIONS; i++) {
        uintptr_t frame = fresh[i].start;
        if (frame < fresh[i].end) {
            fresh[i].start += PAGE_SIZE;
            return frame_of(frame);
        }
    }
    return NULL;
}

/* The entry of a frame that is in use; panics about anything else, in the name of the caller. */
static inline struct frame *frame_in_use(uintptr_t frame, const char *caller)
{
    uintptr_t offset = frame - platform.memory_start;
    if (frame % PAGE_SIZE != 0 || offset >= platform.memory_size ||
        frame_of(frame)->references == 0)
        panic("%s: 0x%lx is not a frame in use: foreign, or given back before", caller, frame);
    return frame_of(frame);
}
/* STUB
*/
/* END SOLUTION */

static void init(const struct region regions[], size_t count)
{
    /* BEGIN SOLUTION 3.1 */
    for (size_t i = 0; i < count; i++)
        fresh[i] = regions[i];
    /* STUB
    (void)regions, (void)count;
    */
    /* END SOLUTION */
}

/* BEGIN SOLUTION 3.1 */
/* A frame with one reference, whose contents are undefined; 0 when none is free. */
static inline uintptr_t next_frame(void)
{
    struct frame *entry;
    if (recycled != 0) {
        entry = &frame_table[recycled];
        recycled = entry->link;
    } else {
        entry = take_fresh();
    }
    if (!entry)
        return 0;
    entry->references = 1;
    return frame_address(entry);
}
/* STUB
*/
/* END SOLUTION */

static uintptr_t alloc(void)
{
    /* BEGIN SOLUTION 3.1 */
    uintptr_t frame = next_frame();
    return frame ? (uintptr_t)memset((void *)frame, 0, PAGE_SIZE) : 0;
    /* STUB
    return 0;
    */
    /* END SOLUTION */
}

/*
 * As alloc(), but the frame need not be zero: its caller overwrites all of it.  Nothing has to be written here, alloc()
 * will do.  NULL below, in place of it, is right, too.
 */
static uintptr_t take(void)
{
    /* BEGIN SOLUTION 3.1 */
    return next_frame();
    /* STUB
    return alloc();
    */
    /* END SOLUTION */
}

static void get(uintptr_t frame)
{
    /* BEGIN SOLUTION 3.1 */
    frame_in_use(frame, "frame_get")->references++;
    /* STUB
    (void)frame;
    */
    /* END SOLUTION */
}

static void put(uintptr_t frame)
{
    /* BEGIN SOLUTION 3.1 */
    struct frame *entry = frame_in_use(frame, "frame_put");
    if (--entry->references > 0)
        return;
    entry->link = recycled;
    recycled = (uint32_t)(entry - frame_table);
    /* STUB
    (void)frame;
    */
    /* END SOLUTION */
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
