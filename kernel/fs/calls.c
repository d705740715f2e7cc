/* calls.c: the system calls on files.  See their pages in section 2 of the Linux manual. */
#include <stdbool.h>

#include "errno.h"
#include "file.h"
#include "frame.h"
#include "inode.h"
#include "inode_file.h"
#include "memory.h"
#include "page_cache.h"
#include "path.h"
#include "syscall.h"
#include "task.h"
#include "user_memory.h"

#define AT_FDCWD (-100)

/* The lowest free descriptor gets the file, with the caller's reference.  Returns it or -EMFILE. */
static long install(struct task *task, struct file *file)
{
    for (int fd = 0; fd < PROCESS_FILES; fd++) {
        if (!task->process->files[fd]) {
            task->process->files[fd] = file;
            return fd;
        }
    }
    return -EMFILE;
}

/* Copy a path from the program; what does not begin with a slash is only possible from AT_FDCWD. */
static long get_path(struct task *task, uint64_t directory, uint64_t address, char path[PATH_MAX])
{
    long length = user_memory->string(task, path, address, PATH_MAX);
    if (length < 0)
        return length;
    if (path[0] != '/' && (int)directory != AT_FDCWD)
        return file_get(task, directory) ? -ENOTDIR : -EBADF;
    return 0;
}

/* openat(directory, path, flags, mode): args[0] to args[3].  Modes are nothing that FAT knows. */
static long sys_openat(struct task *task, const uint64_t args[6])
{
    char path[PATH_MAX];
    struct file *file;
    long error = get_path(task, args[0], args[1], path);
    if (error)
        return error;
    unsigned flags = (unsigned)args[2];
    if ((flags & O_ACCMODE) == O_ACCMODE)
        return -EINVAL;
    error = file_open_with(path, flags, &file);
    if (error)
        return error;
    long fd = install(task, file);
    if (fd < 0)
        file_put(file);
    return fd;
}
SYSCALL(SYS_OPENAT, sys_openat);

static long sys_close(struct task *task, const uint64_t args[6])
{
    struct file *file = file_get(task, args[0]);
    if (!file)
        return -EBADF;
    task->process->files[(uint32_t)args[0]] = NULL;
    file_put(file);
    return 0;
}
SYSCALL(SYS_CLOSE, sys_close);

static long sys_dup(struct task *task, const uint64_t args[6])
{
    struct file *file = file_get(task, args[0]);
    if (!file)
        return -EBADF;
    long fd = install(task, file);
    if (fd >= 0)
        file->references++;
    return fd;
}
SYSCALL(SYS_DUP, sys_dup);

/*
 * Read from an inode's pages right into the program's memory.  No lock is held while its pages come: they may be
 * those of the same file.
 */
static long read_pages(struct task *task, const struct inode *inode, struct file *file, uint64_t to,
                       size_t size, uint64_t offset)
{
    size_t done = 0;
    while (done < size && offset + done < inode->size) {
        uint64_t at = offset + done, rest = inode->size - at;
        size_t n = PAGE_SIZE - at % PAGE_SIZE;
        n = n < size - done ? n : size - done;
        n = n < rest ? n : (size_t)rest;
        uintptr_t frame;
        long error = file->ops->page(file, at - at % PAGE_SIZE, &frame);
        if (!error) {
            error = user_memory->out(task, to + done, (const char *)frame + at % PAGE_SIZE, n);
            frame_put(frame);
        }
        if (error)
            return done > 0 ? (long)done : error;
        done += n;
    }
    return (long)done;
}

/* Read from whatever has read_at(), or else read(), by way of a piece of the kernel's. */
static long read_pieces(struct task *task, struct file *file, uint64_t to, size_t size,
                        const uint64_t *offset)
{
    char piece[512];
    size_t done = 0;
    while (done < size) {
        size_t n = size - done < sizeof(piece) ? size - done : sizeof(piece);
        long count = offset ? file->ops->read_at(file, piece, n, *offset + done)
                            : file->ops->read(file, piece, n);
        if (count <= 0)
            return done > 0 ? (long)done : count;
        long error = user_memory->out(task, to + done, piece, (size_t)count);
        if (error)
            return done > 0 ? (long)done : error;
        done += (size_t)count;
        if ((size_t)count < n)
            break;
    }
    return (long)done;
}

/* Read at an offset.  Linux looks at a descriptor first, then at the length. */
static long read_at(struct task *task, struct file *file, uint64_t to, size_t size, uint64_t offset)
{
    if ((int64_t)size < 0)
        return -EINVAL;
    if (file->inode && file->inode->type == INODE_FILE)
        return read_pages(task, file->inode, file, to, size, offset);
    return read_pieces(task, file, to, size, &offset);
}

static long sys_read(struct task *task, const uint64_t args[6])
{
    struct file *file = file_get(task, args[0]);
    if (!file || !file_can_read(file))
        return -EBADF;
    if (!file->ops->read_at)
        return read_pieces(task, file, args[1], args[2], NULL);
    long count = read_at(task, file, args[1], args[2], file->position);
    if (count > 0)
        file->position += (uint64_t)count;
    return count;
}
SYSCALL(SYS_READ, sys_read);

static long sys_pread64(struct task *task, const uint64_t args[6])
{
    struct file *file = file_get(task, args[0]);
    if ((int64_t)args[3] < 0)
        return -EINVAL;
    if (!file || !file_can_read(file))
        return -EBADF;
    if (!file->ops->read_at)
        return file->inode ? -EISDIR : -ESPIPE;
    return read_at(task, file, args[1], args[2], args[3]);
}
SYSCALL(SYS_PREAD64, sys_pread64);

static long sys_lseek(struct task *task, const uint64_t args[6])
{
    enum { FROM_START = 0, FROM_POSITION = 1, FROM_END = 2 }; /* SEEK_SET, _CUR, _END */
    struct file *file = file_get(task, args[0]);
    if (!file)
        return -EBADF;
    if (!file->ops->size)
        return -ESPIPE;
    int64_t base, position;
    switch ((uint32_t)args[2]) {
    case FROM_START:
        base = 0;
        break;
    case FROM_POSITION:
        base = (int64_t)file->position;
        break;
    case FROM_END:
        base = (int64_t)file->ops->size(file);
        break;
    default:
        return -EINVAL;
    }
    if (__builtin_add_overflow(base, (int64_t)args[1], &position) || position < 0)
        return -EINVAL;
    file->position = (uint64_t)position;
    return position;
}
SYSCALL(SYS_LSEEK, sys_lseek);

/* struct stat of riscv64 (include/uapi/asm-generic/stat.h). */
struct stat {
    uint64_t device, inode;
    uint32_t mode, links, user, group;
    uint64_t special, padding;
    int64_t size;
    int32_t block_size, padding2;
    int64_t blocks;
    uint64_t times[6];
    uint32_t unused[2];
};
_Static_assert(sizeof(struct stat) == 128, "as large as Linux's");

static long sys_fstat(struct task *task, const uint64_t args[6])
{
    enum { DIRECTORY = 0040755, REGULAR = 0100644, CHARACTERS = 0020620 };
    const struct file *file = file_get(task, args[0]);
    if (!file)
        return -EBADF;
    struct stat stat = {
        .mode = CHARACTERS, .links = 1, .block_size = file->ops->size ? PAGE_SIZE : 1024};
    if (file->ops->size) {
        stat.mode = REGULAR;
        stat.size = (int64_t)file->ops->size(file);
        stat.blocks = (stat.size + 511) / 512;
    }
    if (file->inode) {
        stat.device = file->inode->device;
        stat.inode = file->inode->number;
        if (file->inode->type == INODE_DIRECTORY)
            stat.mode = DIRECTORY;
    }
    return user_memory->out(task, args[1], &stat, sizeof(stat));
}
SYSCALL(SYS_FSTAT, sys_fstat);

static long sys_ftruncate(struct task *task, const uint64_t args[6])
{
    const struct file *file = file_get(task, args[0]);
    if ((int64_t)args[1] < 0)
        return -EINVAL;
    if (!file)
        return -EBADF;
    if (!file->inode || file->inode->type != INODE_FILE || !file_can_write(file))
        return -EINVAL;
    return inode_truncate(file->inode, args[1]);
}
SYSCALL(SYS_FTRUNCATE, sys_ftruncate);

static long sys_fsync(struct task *task, const uint64_t args[6])
{
    struct file *file = file_get(task, args[0]);
    if (!file)
        return -EBADF;
    if (!file->ops->sync)
        return file->ops->size ? 0 : -EINVAL;
    return file->ops->sync(file);
}
SYSCALL(SYS_FSYNC, sys_fsync);

static long sys_sync(struct task *task, const uint64_t args[6])
{
    (void)task, (void)args;
    file_systems_sync();
    return 0;
}
SYSCALL(SYS_SYNC, sys_sync);

/* unlinkat(directory, path, flags): args[0] to args[2].  Of files only: no flag is known yet. */
static long sys_unlinkat(struct task *task, const uint64_t args[6])
{
    char path[PATH_MAX];
    if (args[2] != 0)
        return -EINVAL;
    long error = get_path(task, args[0], args[1], path);
    return error ? error : path_remove(path);
}
SYSCALL(SYS_UNLINKAT, sys_unlinkat);
