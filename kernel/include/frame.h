/*
 * frame.h: slot frames, who owns which page of physical memory.
 *
 * A frame is a page of memory, known by its physical address.  It is in use while somebody has a
 * reference to it; frame_alloc() gives the first, frame_get() one more, frame_put() takes one back,
 * and with the last one the frame is free again.  Level 0 (given) has no frames; lab 3, task 3.1.
 *
 * The kernel's own objects are no frames: they come from kmalloc().
 */
#ifndef FRAME_H
#define FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "platform.h"
#include "slot.h"
#include "task.h"

struct frames_ops {
    /*
     * Take over all frames of these regions.  As long as there are frames of a region that were never
     * given out, none of a later region is: programs may still be there (memory.h).  Their bounds are page
     * aligned; a region may be empty.  Called once, at boot.
     */
    void (*init)(const struct region regions[], size_t count);

    /* A frame full of zeros, with one reference, which is the caller's; 0 when none is free. */
    uintptr_t (*alloc)(void);

    /*
     * One reference more; panics, with the address, about what is not a frame in use.  A frame can have as many
     * references as 32 bits can count.
     */
    void (*get)(uintptr_t frame);

    /* One reference less; panics, with the address, about what is not a frame in use. */
    void (*put)(uintptr_t frame);

    /*
     * As alloc(), but the frame's contents are undefined: the caller overwrites all of it.  NULL is allowed:
     * frame_take() then calls alloc().
     */
    uintptr_t (*take)(void);
    /*
     * get(), or put(), of each frame that an entry in [first, last) names (page_table.h); one that is 0 names none.
     * NULL is allowed, for both: get() and put() serve.  They do as well where a higher level has another get() or put().
     */
    void (*get_all)(const uint64_t *first, const uint64_t *last);
    void (*put_all)(const uint64_t *first, const uint64_t *last);
};
DECLARE_SLOT(frames);

/*
 * What is known of each page of memory, the kernel's own included: all zero at boot.  link belongs
 * to the frame's owner: a free frame's is the allocator's.
 */
struct frame {
    uint32_t references; /* the allocator's: 0 for what is not in use */
    uint32_t link;
};
extern struct frame *frame_table;

/* The entry of the page at this physical address, which must lie in memory. */
static inline struct frame *frame_of(uintptr_t address)
{
    return &frame_table[(address - platform.memory_start) / 4096];
}

/* The physical address of the page with this entry. */
static inline uintptr_t frame_address(const struct frame *frame)
{
    return platform.memory_start + (uintptr_t)(frame - frame_table) * 4096;
}

/* As in frames_ops. */
static inline uintptr_t frame_alloc(void)
{
    return frames->alloc();
}

static inline uintptr_t frame_take(void)
{
    return frames->take ? frames->take() : frames->alloc();
}

static inline void frame_get(uintptr_t frame)
{
    frames->get(frame);
}

static inline void frame_put(uintptr_t frame)
{
    frames->put(frame);
}

extern void (*frame_get_all)(const uint64_t *first, const uint64_t *last);
extern void (*frame_put_all)(const uint64_t *first, const uint64_t *last);

/* Hand memory to the allocator.  Called once at boot, after slots_init(). */
void frames_init(void);

#endif
