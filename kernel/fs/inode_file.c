/* inode_file.c: open files with an inode behind them; files in memory alone. */
#include "inode_file.h"

#include <stdbool.h>

#include "errno.h"
#include "file.h"
#include "frame.h"
#include "inode.h"
#include "kmalloc.h"
#include "memory.h"
#include "mmap.h"
#include "page_cache.h"
#include "path.h"
#include "space.h"
#include "string.h"

size_t inode_piece(const struct inode *inode, uint64_t at, size_t size)
{
    if (at >= inode->size)
        return 0;
    size_t in_page = PAGE_SIZE - at % PAGE_SIZE;
    size = size < in_page ? size : in_page;
    return size < inode->size - at ? size : inode->size - at;
}

static long inode_read_at(struct file *file, void *buffer, size_t size, uint64_t offset)
{
    struct inode *inode = file->inode;
    char *to = buffer;
    size_t done = 0;
    while (inode_piece(inode, offset + done, size - done) > 0) {
        uint64_t at = offset + done;
        uintptr_t frame;
        int error = inode_page(inode, at / PAGE_SIZE, &frame);
        /* The file may have become shorter meanwhile. */
        size_t n = inode_piece(inode, at, size - done);
        if (error)
            return done > 0 || n == 0 ? (long)done : error;
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

/* Drop what a space shows of a file behind its end. */
static void drop_behind(struct space *space, const struct inode *inode)
{
    uint64_t size = page_up(inode->size);
    struct area *area = NULL;
    while ((area = area_next(&space->areas, area))) {
        if (!area->file || area->file->inode != inode)
            continue;
        /* A program's segment goes on where it takes no more from the file: these pages are its own. */
        bool is_segment = !area->shared && area->backend != private_file_backend();
        uint64_t end = is_segment ? area->start + page_up(area->file_size) : area->end;
        uint64_t start = area->start + (size > area->offset ? size - area->offset : 0);
        if (start < end)
            area->backend->drop(space, area, start, end);
    }
}

/* The same in all spaces, those of programs that are just being replaced, and may be needed again, among them. */
static void unmap_behind(const struct inode *inode)
{
    for (struct space *space = NULL; (space = space_next(space));)
        drop_behind(space, inode);
}

int inode_truncate(struct inode *inode, uint64_t size)
{
    inode_write_lock(inode);
    int error = inode_resize(inode, size);
    unmap_behind(inode);
    inode_write_unlock(inode);
    return error;
}

static long inode_write_at(struct file *file, const void *buffer, size_t size, uint64_t offset)
{
    long count = inode_write(file->inode, buffer, size, offset);
    /* It may have been longer for a while. */
    if (count != (long)size)
        unmap_behind(file->inode);
    return count;
}

/* As on Linux: position first, then the inode, which other open files may have, too. */
static long inode_write_begin(struct file *file, size_t size)
{
    (void)size;
    file_position_lock(file);
    inode_write_lock(file->inode);
    return 0;
}

static void inode_write_end(struct file *file)
{
    inode_write_unlock(file->inode);
    file_position_unlock(file);
}

/* Between inode_write_begin() and _end(): position and size are nobody else's while this sleeps. */
static long inode_file_write(struct file *file, const void *buffer, size_t size)
{
    if (!file_can_write(file))
        return -EBADF;
    bool append = file->flags & O_APPEND;
    long count = inode_write_at(file, buffer, size, append ? INODE_END : file->position);
    if (count > 0)
        file->position = append ? file->inode->size : file->position + (uint64_t)count;
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
    .write_begin = inode_write_begin,
    .write_end = inode_write_end,
};

/* Which names it has is known to the file system alone. */
static int directory_sync(struct file *file)
{
    (void)file;
    return file_systems_sync();
}

static void inode_directory_close(struct file *file)
{
    kfree(file->path);
    inode_file_close(file);
}

static int directory_next_name(struct file *file, struct inode_name *name)
{
    struct inode *inode = file->inode;
    fs_lock();
    int error = inode->ops->list(inode, &file->position, name);
    fs_unlock();
    return error;
}

/* It has a size, which is 0. */
static const struct file_ops directory_ops = {
    .next_name = directory_next_name,
    .read = directory_read,
    .write = directory_write,
    .size = inode_file_size,
    .sync = directory_sync,
    .close = inode_directory_close,
};

int inode_file_create(struct inode *inode, unsigned flags, const char *path, struct file **opened)
{
    bool is_directory = inode->type == INODE_DIRECTORY;
    struct file *file = kmalloc(sizeof(*file));
    char *own_path = is_directory ? kmalloc(strlen(path) + 1) : NULL;
    if (!file || (is_directory && !own_path)) {
        kfree(file);
        kfree(own_path);
        return -ENOMEM;
    }
    if (is_directory)
        memcpy(own_path, path, strlen(path) + 1);
    *file = (struct file){
        .ops = is_directory ? &directory_ops : &inode_file_ops,
        .references = 1,
        .flags = flags,
        .inode = inode,
        .path = own_path,
    };
    *opened = file;
    return 0;
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
    if (inode_file_create(inode, O_RDWR, "", &file) != 0) {
        kfree(inode);
        return NULL;
    }
    return file;
}
