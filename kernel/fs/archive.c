/* archive.c: the files of the archive, which lie in memory as they are: for reading only. */
#include "archive.h"

#include "cpio.h"
#include "errno.h"
#include "file.h"
#include "frame.h"
#include "inode.h"
#include "kmalloc.h"
#include "list.h"
#include "memory.h"
#include "string.h"

enum { NAME_MAX = 255 }; /* bytes of a name, on Linux */

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
        if (strncmp(file.name, path + 1, length) == 0 &&
            (file.name[length] == '/' || (file.name[length] == '\0' && file.is_directory)))
            return 0;
    const char *last = path + length + 1;
    while (last[-1] != '/')
        last--;
    return strlen(last) > NAME_MAX ? -ENAMETOOLONG : -ENOENT;
}

/* ---- directories: the archive has none, only files whose paths lead through them */

/* What a member's path says of a directory: the length of the name right below it, or 0. */
static size_t name_below(const char *member, const char *directory, const char **name)
{
    size_t length = strlen(directory);
    if (length > 0 && (strncmp(member, directory, length) != 0 || member[length] != '/'))
        return 0;
    *name = member + length + (length > 0);
    const char *end = strchr(*name, '/');
    return end ? (size_t)(end - *name) : strlen(*name);
}

/* Does a member before this one have the same name below the directory? */
static bool seen_before(size_t until, const char *directory, const char *name, size_t length)
{
    struct cpio_file file;
    const char *other;
    for (size_t at = 0; at < until && cpio_next(at, &file); at = file.next)
        if (name_below(file.name, directory, &other) == length && strncmp(other, name, length) == 0)
            return true;
    return false;
}

/* The position of a directory: first the offset of a member, then behind this one the number of a mount. */
enum { MOUNTS_FROM = 1 << 30 };

static int archive_next_name(struct file *file, struct inode_name *found)
{
    const char *directory = *file->path ? file->path + 1 : "", *name;
    struct cpio_file member;
    while (file->position < MOUNTS_FROM && cpio_next(file->position, &member)) {
        size_t at = file->position, length = name_below(member.name, directory, &name);
        file->position = member.next;
        if (length == 0 || length >= sizeof(found->text) ||
            seen_before(at, directory, name, length))
            continue;
        memcpy(found->text, name, length);
        found->text[length] = '\0';
        found->type = name[length] == '/' || member.is_directory ? INODE_DIRECTORY : INODE_FILE;
        found->number = at + 1;
        return 0;
    }
    if (file->position < MOUNTS_FROM)
        file->position = MOUNTS_FROM;
    name = mount_name(file->path, file->position - MOUNTS_FROM);
    if (!name)
        return -ENOENT;
    memcpy(found->text, name, strlen(name) + 1);
    found->type = INODE_DIRECTORY;
    found->number = ++file->position;
    return 0;
}

static const struct file_ops directory_ops = {
    .read = directory_read,
    .write = directory_write,
    .next_name = archive_next_name,
    .close = directory_close,
};

static int open_directory(const char *path, unsigned flags, struct file **opened)
{
    if ((flags & O_ACCMODE) != O_RDONLY || (flags & (O_TRUNC | O_CREAT)))
        return -EISDIR;
    return directory_file_create(&directory_ops, flags, path, opened);
}

int archive_open(const char *path, unsigned flags, struct file **opened)
{
    struct cpio_file found;
    if (!cpio_find(path, &found)) {
        int error = archive_check_directory(path);
        if (error == 0)
            return open_directory(path, flags, opened);
        return flags & O_CREAT ? -EROFS : error;
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
