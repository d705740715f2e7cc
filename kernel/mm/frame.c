/* frame.c: what is given around the allocator of frames: the table, the call, a test's shortage. */
#include "frame.h"

#include "memory.h"
#include "panic.h"
#include "string.h"

DEFINE_SLOT(frames);

struct frame *frame_table;
uint64_t frame_allocations;

static uint64_t refuse; /* the allocation that is to fail: bootargs nomem=N; 0 for none */

uintptr_t frame_alloc(void)
{
    if (++frame_allocations == refuse)
        return 0;
    return frames->alloc();
}

void frames_init(void)
{
    frame_table = (struct frame *)frame_table_memory.start;
    char value[12];
    if (platform_option("nomem", value, sizeof(value)))
        for (const char *s = value; *s >= '0' && *s <= '9'; s++)
            refuse = refuse * 10 + (uint64_t)(*s - '0');
    frames->init(frame_memory, FRAME_REGIONS);
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
