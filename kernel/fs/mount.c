/* mount.c: which file system a path leads to, and opening what it names. */
#include <stdbool.h>

#include "archive.h"
#include "block.h"
#include "device_file.h"
#include "errno.h"
#include "fat.h"
#include "file.h"
#include "inode.h"
#include "inode_file.h"
#include "kmalloc.h"
#include "page_cache.h"
#include "panic.h"
#include "path.h"
#include "slot.h"
#include "string.h"
#include "task.h"

enum { MOUNTS_MAX = 4 };

static struct {
    const char *path;
    const struct file_system *file_system;
} mounts[MOUNTS_MAX];
static size_t mount_count;

void mount(const char *path, const struct file_system *file_system)
{
    assert(mount_count < MOUNTS_MAX);
    mounts[mount_count].path = path;
    mounts[mount_count++].file_system = file_system;
}

/*
 * The file system of a normal path, and *rest, the path inside it; NULL for the archive, which has all that
 * nobody else has.
 */
static const struct file_system *find_mount(const char *path, const char **rest)
{
    for (size_t i = 0; i < mount_count; i++) {
        size_t length = strlen(mounts[i].path);
        if (strncmp(path, mounts[i].path, length) != 0)
            continue;
        if (path[length] == '\0' || path[length] == '/') {
            *rest = path + length + (path[length] == '/');
            return mounts[i].file_system;
        }
    }
    return NULL;
}

/* Is what a normal path names a directory?  0, -ENOTDIR, -ENOENT, -ENOMEM or -EIO. */
static int check_directory(const char *path)
{
    const char *rest;
    const struct file_system *fs = find_mount(path, &rest);
    if (!fs) {
        int error = device_check_directory(path);
        return error == -ENOENT ? archive_check_directory(path) : error;
    }
    struct inode *inode;
    fs_lock();
    int error = fs->lookup(rest, &inode);
    fs_unlock();
    if (error)
        return error;
    error = inode->type == INODE_DIRECTORY ? 0 : -ENOTDIR;
    inode_put(inode);
    return error;
}

/*
 * A path from the root on without "//", "." and "..": "/a/b", and "" for the root itself.  One that does
 * not begin with a slash is taken from the current process's directory.  *to_directory: it ends with a slash, so only a directory is meant.
 * What a "." or ".." follows is one, or there is no such path.
 * Returns 0, and *normal is the caller's to kfree(); -ENOENT for an empty path, -ENOMEM, or as check_directory().
 */
static int normalize(const char *path, char **normal, bool *to_directory)
{
    const char *directory = current_task->process->directory;
    size_t length = *path != '/' && directory ? strlen(directory) : 0;
    *to_directory = false;
    if (*path == '\0')
        return -ENOENT;
    /* Each part gets a slash in front, which the first may not have had. */
    char *to = kmalloc(length + 1 + strlen(path) + 1);
    if (!to)
        return -ENOMEM;
    if (length > 0)
        memcpy(to, directory, length);
    while (*path) {
        size_t n = 0;
        while (path[n] && path[n] != '/')
            n++;
        bool is_dot = n == 1 && path[0] == '.';
        bool is_dot_dot = n == 2 && path[0] == '.' && path[1] == '.';
        if (is_dot || is_dot_dot) {
            to[length] = '\0';
            int error = check_directory(to);
            if (error) {
                kfree(to);
                return error;
            }
            while (is_dot_dot && length > 0 && to[--length] != '/')
                ;
        } else if (n > 0) {
            to[length++] = '/';
            memcpy(to + length, path, n);
            length += n;
        }
        path += n;
        *to_directory = *path == '/';
        while (*path == '/')
            path++;
    }
    to[length] = '\0';
    *normal = to;
    return 0;
}

/* Find an inode, or make it, as the flags say.  Under fs_lock(). */
static int find_inode(const struct file_system *fs, const char *path, unsigned flags,
                      struct inode **found)
{
    int error = fs->lookup(path, found);
    if (error == -ENOENT && (flags & O_CREAT))
        return fs->create ? fs->create(path, found) : -EROFS;
    if (!error && (flags & O_CREAT) && (flags & O_EXCL)) {
        /* Somebody else may hold it; if not, nothing of it is in memory yet. */
        fs_unlock();
        inode_put(*found);
        fs_lock();
        error = -EEXIST;
    }
    return error;
}

/* May it be opened like this?  0 or -EISDIR, -ENOTDIR, -EROFS. */
static int check_flags(const struct inode *inode, unsigned flags)
{
    bool to_write = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);
    if (inode->type == INODE_DIRECTORY && (to_write || (flags & O_CREAT)))
        return -EISDIR;
    if (inode->type != INODE_DIRECTORY && (flags & O_DIRECTORY))
        return -ENOTDIR;
    return to_write && inode->read_only ? -EROFS : 0;
}

/* Open what a normal path names. */
static int open_normal(const char *normal, unsigned flags, struct file **opened)
{
    const char *rest;
    const struct file_system *fs = find_mount(normal, &rest);
    if (!fs) {
        int error = device_open(normal, flags, opened);
        return error == -ENOENT ? archive_open(normal, flags, opened) : error;
    }
    struct inode *inode;
    fs_lock();
    int error = find_inode(fs, rest, flags, &inode);
    fs_unlock();
    if (error)
        return error;
    error = check_flags(inode, flags);
    if (!error)
        error = inode_file_create(inode, flags, normal, opened);
    if (error) {
        inode_put(inode);
        return error;
    }
    /* What can fail has not. */
    if (flags & O_TRUNC)
        error = inode_truncate(inode, 0);
    if (error)
        file_put(*opened);
    return error;
}

int file_open_with(const char *path, unsigned flags, struct file **opened)
{
    char *normal;
    bool to_directory;
    int error = normalize(path, &normal, &to_directory);
    if (error)
        return error;
    if (to_directory && (flags & O_CREAT))
        error = -EISDIR;
    else if ((flags & O_DIRECTORY) && (flags & O_CREAT))
        error = -EINVAL;
    else
        error = open_normal(normal, to_directory ? flags | O_DIRECTORY : flags, opened);
    kfree(normal);
    return error;
}

struct file *file_open(const char *path, int *error)
{
    struct file *file;
    *error = file_open_with(path, O_RDONLY, &file);
    if (*error)
        return NULL;
    if (file->path || !file->ops->read_at) {
        *error = file->path ? -EISDIR : -EACCES;
        file_put(file);
        return NULL;
    }
    return file;
}

/* Does a path end with "." or "..": with so many dots, and nothing else?  0 if it does not. */
static size_t dots_at_end(const char *path)
{
    size_t end = strlen(path), dots = 0;
    while (end > 0 && path[end - 1] == '/')
        end--;
    while (dots < end && path[end - 1 - dots] == '.')
        dots++;
    bool is_all = dots == end || path[end - 1 - dots] == '/';
    return is_all && dots <= 2 ? dots : 0;
}

/* Remove what a normal path names.  dots: as dots_at_end() of the path that the program gave. */
static int remove_normal(const char *normal, bool directory, bool to_directory, size_t dots)
{
    const char *rest;
    const struct file_system *fs = find_mount(normal, &rest);
    if (!fs || !fs->remove)
        return -EROFS;
    if (to_directory && !directory) {
        int error = check_directory(normal);
        return error ? error : -EISDIR;
    }
    if (directory && dots > 0)
        return dots == 1 ? -EINVAL : -ENOTEMPTY;
    fs_lock();
    int error = fs->remove(rest, directory);
    fs_unlock();
    return error;
}

int path_remove(const char *path, bool directory)
{
    char *normal;
    bool to_directory;
    int error = normalize(path, &normal, &to_directory);
    if (error)
        return error;
    error = remove_normal(normal, directory, to_directory, dots_at_end(path));
    kfree(normal);
    return error;
}

static int make_normal(const char *normal)
{
    const char *rest;
    const struct file_system *fs = find_mount(normal, &rest);
    if (!fs || !fs->make_directory) {
        int error = check_directory(normal);
        return error == 0 || error == -ENOTDIR ? -EEXIST : -EROFS;
    }
    fs_lock();
    int error = fs->make_directory(rest);
    fs_unlock();
    return error;
}

int path_make_directory(const char *path)
{
    char *normal;
    bool to_directory;
    int error = normalize(path, &normal, &to_directory);
    if (error)
        return error;
    error = make_normal(normal);
    kfree(normal);
    return error;
}

int path_directory(const char *path, char **normal)
{
    bool to_directory;
    int error = normalize(path, normal, &to_directory);
    if (error)
        return error;
    error = check_directory(*normal);
    if (error)
        kfree(*normal);
    return error;
}

const char *mount_name(const char *directory, size_t index)
{
    size_t length = strlen(directory);
    for (size_t i = 0; i <= mount_count; i++) {
        const char *path = i < mount_count ? mounts[i].path : "/dev";
        if (strncmp(path, directory, length) == 0 && path[length] == '/' &&
            !strchr(path + length + 1, '/') && index-- == 0)
            return path + length + 1;
    }
    return NULL;
}

int file_systems_sync(void)
{
    fs_lock();
    /* In one go: what a file system knows of a file is true only when all its pages are written. */
    int error = inodes_sync();
    for (size_t i = 0; !error && i < mount_count; i++)
        if (mounts[i].file_system->sync)
            error = mounts[i].file_system->sync();
    if (!error && disk)
        error = disk->flush(disk);
    fs_unlock();
    return error;
}

/* Whoever cannot be mounted has said why, and the kernel goes on without it. */
static void mount_disk(void)
{
    if (disk)
        fat_mount(disk, "/disk");
}
INITCALL(5, mount_disk);
