/*
 * Task 5.3: a file as memory, each page with a copy of what the file has.
 */
#include "errno.h"
#include "file.h"
#include "frame.h"
#include "memory.h"
#include "mmap.h"
#include "string.h"

/*
 * The contracts of fill() and drop() are in area.h.  The area shows its file from area->offset on, as far as the
 * file goes when the page is made (file->ops->size() in file.h): what a page has beyond that is zero, and a page
 * that begins there or behind cannot be had, which is -EIO.  area->file_size means nothing here.
 *
 * In all else it is like lab 4's pages of programs: read into a frame of its own, and map it last; fewer bytes
 * than the file should have, or an error, are -EIO, and the frame goes back; fence.i for what is to be executed.
 */
static int private_fill(struct space *space, const struct area *area, uint64_t va)
{
    /* BEGIN SOLUTION 5.3 */
    struct file *file = area->file;
    uint64_t at = area->offset + (va - area->start), end = file->ops->size(file);
    if (at >= end)
        return -EIO;
    uintptr_t frame = frame_alloc();
    if (frame == 0)
        return -ENOMEM;
    size_t size = end - at < PAGE_SIZE ? end - at : PAGE_SIZE;
    int error = 0;
    if (file->ops->read_at(file, (void *)frame, size, at) != (long)size)
        error = -EIO;
    if (!error)
        error = page_table->map(&space->table, va, frame, area->prot);
    if (error)
        frame_put(frame);
    if (area->prot & PROT_EXEC)
        __asm__ volatile("fence.i" ::: "memory");
    return error;
    /* STUB
    (void)space, (void)area, (void)va;
    return -EIO;
    */
    /* END SOLUTION */
}

static void private_drop(struct space *space, const struct area *area, uint64_t start, uint64_t end)
{
    spaces->anonymous->drop(space, area, start, end);
}

static const struct backend private_file = {
    .name = "file", .fill = private_fill, .drop = private_drop};

/* NULL until fill() is done. */
const struct backend *private_file_backend(void)
{
    /* BEGIN SOLUTION 5.3 */
    return &private_file;
    /* STUB
    (void)private_file;
    return NULL;
    */
    /* END SOLUTION */
}
