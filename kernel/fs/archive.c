/* archive.c: the files of the archive, which lie in memory as they are: for reading only. */
#include "archive.h"

#include "cpio.h"
#include "errno.h"
#include "file.h"
#include "frame.h"
#include "kmalloc.h"
#include "list.h"
#include "memory.h"
#include "string.h"

struct archive_file {
    struct file file;
    const char *bytes;
    size_t size;
};

static long archive_read_at(struct file *file, void *buffer, size_t size, uint64_t offset)
{
    const struct archive_file *archive = container_of(file, struct archive_file, file);
    if (offset >= archive->size)
        return 0;
    size_t rest = archive->size - offset;
    size = size < rest ? size : rest;
    memcpy(buffer, archive->bytes + offset, size);
    return (long)size;
}

static long archive_read(struct file *file, void *buffer, size_t size)
{
    long count = archive_read_at(file, buffer, size, file->position);
    file->position += (uint64_t)count;
    return count;
}

static long archive_write(struct file *file, const void *buffer, size_t size)
{
    (void)file, (void)buffer, (void)size;
    return -EBADF;
}

static uint64_t archive_size(const struct file *file)
{
    return container_of(file, const struct archive_file, file)->size;
}

/* What lies in the archive is on no page of its own: everybody gets a copy, which nobody can write. */
static int archive_page(struct file *file, uint64_t offset, uintptr_t *frame)
{
    if (offset >= archive_size(file))
        return -EIO;
    *frame = frame_alloc();
    if (*frame == 0)
        return -ENOMEM;
    archive_read_at(file, (void *)*frame, PAGE_SIZE, offset);
    return 0;
}

static void archive_close(struct file *file)
{
    kfree(container_of(file, struct archive_file, file));
}

static const struct file_ops archive_ops = {
    .read = archive_read,
    .write = archive_write,
    .read_at = archive_read_at,
    .size = archive_size,
    .page = archive_page,
    .close = archive_close,
};

/* A directory is what paths of files lead through. */
int archive_check_directory(const char *path)
{
    struct cpio_file file;
    if (*path == '\0')
        return 0;
    if (cpio_find(path, &file))
        return -ENOTDIR;
    size_t length = strlen(path + 1);
    for (size_t at = 0; cpio_next(at, &file); at = file.next)
        if (strncmp(file.name, path + 1, length) == 0 && file.name[length] == '/')
            return 0;
    return -ENOENT;
}

int archive_open(const char *path, unsigned flags, struct file **opened)
{
    struct cpio_file found;
    if (!cpio_find(path, &found)) {
        if (archive_check_directory(path) == 0)
            return -EISDIR;
        return flags & O_CREAT ? -EROFS : -ENOENT;
    }
    if ((flags & O_CREAT) && (flags & O_EXCL))
        return -EEXIST;
    if (flags & O_DIRECTORY)
        return -ENOTDIR;
    if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC))
        return -EROFS;
    struct archive_file *archive = kmalloc(sizeof(*archive));
    if (!archive)
        return -ENOMEM;
    *archive = (struct archive_file){
        .file = {.ops = &archive_ops, .references = 1, .flags = flags},
        .bytes = found.data,
        .size = found.size,
    };
    *opened = &archive->file;
    return 0;
}
