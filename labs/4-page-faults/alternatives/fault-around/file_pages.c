/*
 * Task 4.3: a program comes from its file page by page, as it is needed.
 */
#include "demand.h"
#include "errno.h"
#include "file.h"
#include "frame.h"
#include "memory.h"
#include "space.h"

/*
 * The contracts of fill() and drop() are in area.h; what of the file a page shows is said in lab 3, task 3.5.
 *
 * What is new: while you read, nobody may see the page.  Fill a frame first, and map it last.  If the file gives
 * an error, or fewer bytes than it should (file->ops->read_at() in file.h), the frame goes back and
 * fill() is -EIO.  If the page is one to execute, the CPU must not go on with what it may have fetched from this
 * frame before: fence.i, as in the loader.
 */
static int fill_one(struct space *space, const struct area *area, uint64_t va)
{
    uintptr_t frame = frame_alloc();
    if (frame == 0)
        return -ENOMEM;
    uint64_t at = va - area->start;
    size_t size = 0;
    if (at < area->file_size)
        size = area->file_size - at < PAGE_SIZE ? area->file_size - at : PAGE_SIZE;
    int error = 0;
    if (size > 0 &&
        area->file->ops->read_at(area->file, (void *)frame, size, area->offset + at) != (long)size)
        error = -EIO;
    if (!error)
        error = page_table->map(&space->table, va, frame, area->prot);
    if (error)
        frame_put(frame);
    if (area->prot & PROT_EXEC)
        __asm__ volatile("fence.i" ::: "memory");
    return error;
}

static int file_fill(struct space *space, const struct area *area, uint64_t va)
{
    enum { AROUND = 16 * PAGE_SIZE };
    int error = fill_one(space, area, va);
    uint64_t start = va / AROUND * AROUND, end = start + AROUND;
    start = start > area->start ? start : area->start;
    end = end < area->end ? end : area->end;
    for (uint64_t page = start; !error && page < end; page += PAGE_SIZE)
        if (!page_table->find(&space->table, page) && fill_one(space, area, page) != 0)
            break;
    return error;
}

static void file_drop(struct space *space, const struct area *area, uint64_t start, uint64_t end)
{
    spaces->anonymous->drop(space, area, start, end);
}

static const struct backend from_file = {.name = "file", .fill = file_fill, .drop = file_drop};

/* Task 4.2 asks for this backend: NULL until fill() is done. */
const struct backend *segment_backend(void)
{
    return &from_file;
}
