/* frame.c: what is given around the allocator of frames: the table of them. */
#include "frame.h"

#include "memory.h"
#include "page_table.h"
#include "panic.h"
#include "string.h"

DEFINE_SLOT(frames);

struct frame *frame_table;

/*
 * Who has get_all() and put_all(): lab 3's allocator.  NULL when it has not, or when somebody stands before its get()
 * or put(), and wants to be asked each time.
 */
static const struct frames_ops *many;

void frames_init(void)
{
    /* On a large machine QEMU's device tree, which nobody needs any more, lies in it. */
    frame_table = (struct frame *)frame_table_memory.start;
    memset(frame_table, 0, frame_table_memory.end - frame_table_memory.start);
    frames->init(frame_memory, FRAME_REGIONS);

    const struct frames_ops *allocator = slot_below(frames, 4);
    bool asked_first = frames->get == allocator->get && frames->put == allocator->put;
    many = asked_first && allocator->get_all && allocator->put_all ? allocator : NULL;
}

void frame_get_all(const uint64_t *first, const uint64_t *last)
{
    if (many) {
        many->get_all(first, last);
        return;
    }
    for (const uint64_t *entry = first; entry < last; entry++)
        if (*entry)
            frame_get(pte_frame(*entry));
}

void frame_put_all(const uint64_t *first, const uint64_t *last)
{
    if (many) {
        many->put_all(first, last);
        return;
    }
    for (const uint64_t *entry = first; entry < last; entry++)
        if (*entry)
            frame_put(pte_frame(*entry));
}

/* Until lab 3 nobody asks for a frame. */
static void no_init(const struct region regions[], size_t count)
{
    (void)regions, (void)count;
}

static uintptr_t no_alloc(void)
{
    return 0;
}

static void no_frame(uintptr_t frame)
{
    panic("there is no frame 0x%lx: there are none (lab 3, task 3.1)", frame);
}

static const struct frames_ops no_frames = {
    .init = no_init, .alloc = no_alloc, .get = no_frame, .put = no_frame};
PROVIDE(frames, 0, no_frames);
