/* 5.3: a copy of the page that the page cache has. */
#include "errno.h"
#include "file.h"
#include "frame.h"
#include "memory.h"
#include "mmap.h"
#include "string.h"

static int private_fill(struct space *space, const struct area *area, uint64_t va)
{
    struct file *file = area->file;
    const uint64_t at = area->offset + (va - area->start);
    uintptr_t original, copy = 0;
    int error = file->ops->page(file, at, &original);
    if (error)
        return error;
    /* Behind the end, others may have written to it: not the file's. */
    uint64_t size = file->ops->size(file);
    size = size > at ? size - at : 0;
    if (size == 0)
        error = -EIO;
    else if (!(copy = frame_alloc()))
        error = -ENOMEM;
    else
        memcpy((void *)copy, (const void *)original, size < PAGE_SIZE ? size : PAGE_SIZE);
    frame_put(original);
    if (area->prot & PROT_EXEC)
        __asm__ volatile("fence.i" ::: "memory");
    if (!error && (error = page_table->map(&space->table, va, copy, area->prot)) != 0)
        frame_put(copy);
    return error;
}

static void private_drop(struct space *space, const struct area *area, uint64_t start, uint64_t end)
{
    (void)area;
    for (uint64_t va = start; (va = space_next_page(space, va, end)) < end; va += PAGE_SIZE)
        frame_put(pte_frame(page_table->unmap(&space->table, va)));
}

static const struct backend copied = {.name = "copy", .fill = private_fill, .drop = private_drop};
const struct backend *private_file_backend(void)
{
    return &copied;
}
