/* inode_file.c: open files with an inode behind them; files in memory alone. */
#include "inode_file.h"

#include "errno.h"
#include "file.h"
#include "frame.h"
#include "inode.h"
#include "kmalloc.h"
#include "memory.h"
#include "page_cache.h"
#include "space.h"
#include "string.h"
#include "task.h"

static long inode_read_at(struct file *file, void *buffer, size_t size, uint64_t offset)
{
    struct inode *inode = file->inode;
    char *to = buffer;
    size_t done = 0;
    while (done < size && offset + done < inode->size) {
        uint64_t at = offset + done, rest = inode->size - at;
        size_t n = PAGE_SIZE - at % PAGE_SIZE;
        n = n < size - done ? n : size - done;
        n = n < rest ? n : (size_t)rest;
        uintptr_t frame;
        int error = inode_page(inode, at / PAGE_SIZE, &frame);
        if (error)
            return done > 0 ? (long)done : error;
        memcpy(to + done, (const char *)frame + at % PAGE_SIZE, n);
        frame_put(frame);
        done += n;
    }
    return (long)done;
}

static long inode_read(struct file *file, void *buffer, size_t size)
{
    if (!file_can_read(file))
        return -EBADF;
    long count = inode_read_at(file, buffer, size, file->position);
    if (count > 0)
        file->position += (uint64_t)count;
    return count;
}

static long inode_write_at(struct file *file, const void *buffer, size_t size, uint64_t offset)
{
    return inode_write(file->inode, buffer, size, offset);
}

static long inode_file_write(struct file *file, const void *buffer, size_t size)
{
    if (!file_can_write(file))
        return -EBADF;
    if (file->flags & O_APPEND)
        file->position = file->inode->size;
    long count = inode_write(file->inode, buffer, size, file->position);
    if (count > 0)
        file->position += (uint64_t)count;
    return count;
}

static uint64_t inode_file_size(const struct file *file)
{
    return file->inode->size;
}

static int inode_file_page(struct file *file, uint64_t offset, uintptr_t *frame)
{
    return inode_page(file->inode, offset / PAGE_SIZE, frame);
}

static int inode_file_sync(struct file *file)
{
    return inode_sync(file->inode);
}

static void inode_file_close(struct file *file)
{
    inode_put(file->inode);
    kfree(file);
}

static const struct file_ops inode_file_ops = {
    .read = inode_read,
    .write = inode_file_write,
    .read_at = inode_read_at,
    .write_at = inode_write_at,
    .size = inode_file_size,
    .page = inode_file_page,
    .sync = inode_file_sync,
    .close = inode_file_close,
};

static long directory_read(struct file *file, void *buffer, size_t size)
{
    (void)file, (void)buffer, (void)size;
    return -EISDIR;
}

static long directory_write(struct file *file, const void *buffer, size_t size)
{
    (void)file, (void)buffer, (void)size;
    return -EBADF;
}

static const struct file_ops directory_ops = {
    .read = directory_read,
    .write = directory_write,
    .sync = inode_file_sync,
    .close = inode_file_close,
};

int inode_file_create(struct inode *inode, unsigned flags, struct file **opened)
{
    struct file *file = kmalloc(sizeof(*file));
    if (!file)
        return -ENOMEM;
    *file = (struct file){
        .ops = inode->type == INODE_DIRECTORY ? &directory_ops : &inode_file_ops,
        .references = 1,
        .flags = flags,
        .inode = inode,
    };
    *opened = file;
    return 0;
}

/* Drop what a space shows of a file behind its end. */
static void drop_behind(struct space *space, const struct inode *inode)
{
    uint64_t end = page_up(inode->size); /* of the file, in whole pages */
    struct area *area = NULL;
    while ((area = area_next(&space->areas, area))) {
        if (!area->file || area->file->inode != inode)
            continue;
        uint64_t kept = end > area->offset ? end - area->offset : 0;
        if (kept < area->end - area->start)
            area->backend->drop(space, area, area->start + kept, area->end);
    }
}

int inode_truncate(struct inode *inode, uint64_t size)
{
    bool shorter = size < inode->size;
    int error = inode_resize(inode, size);
    for (struct task *task = NULL; shorter && !error && (task = task_next(task));)
        if (task->process->space)
            drop_behind(task->process->space, inode);
    return error;
}

/* ---- files in memory alone: an inode whose pages are nowhere else ---- */

static int read_zeros(struct inode *inode, uint64_t index, const uintptr_t frames[], size_t count)
{
    (void)inode, (void)index;
    for (size_t i = 0; i < count; i++)
        memset((void *)frames[i], 0, PAGE_SIZE);
    return 0;
}

static int resize_in_memory(struct inode *inode, uint64_t size)
{
    inode->size = size;
    return 0;
}

static void release_memory(struct inode *inode)
{
    kfree(inode);
}

static const struct inode_ops memory_ops = {
    .read_pages = read_zeros, .resize = resize_in_memory, .release = release_memory};

struct file *memory_file_create(uint64_t size)
{
    struct inode *inode = kmalloc(sizeof(*inode));
    if (!inode)
        return NULL;
    *inode = (struct inode){.ops = &memory_ops, .references = 1, .type = INODE_FILE, .size = size};
    struct file *file;
    if (inode_file_create(inode, O_RDWR, &file) != 0) {
        kfree(inode);
        return NULL;
    }
    return file;
}
