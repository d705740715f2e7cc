/* calls.c: the system calls on files.  See their pages in section 2 of the Linux manual. */
#include "errno.h"
#include "file.h"
#include "frame.h"
#include "inode.h"
#include "inode_file.h"
#include "memory.h"
#include "page_cache.h"
#include "path.h"
#include "space.h"
#include "string.h"
#include "syscall.h"
#include "task.h"
#include "user_memory.h"

#define AT_FDCWD (-100)

/* The lowest descriptor that is free, or -EMFILE. */
static long free_descriptor(const struct task *task)
{
    long fd = 0;
    while (fd < PROCESS_FILES && task->process->files[fd])
        fd++;
    return fd < PROCESS_FILES ? fd : -EMFILE;
}

/* Copy a path from the program.  One that does not begin with a slash begins in a directory, AT_FDCWD is the root. */
static long get_path(struct task *task, uint64_t directory, uint64_t address, char path[PATH_MAX])
{
    long length = user_memory->string(task, path, address, PATH_MAX);
    if (length <= 0)
        return length < 0 ? length : -ENOENT;
    if (path[0] == '/' || (int)directory == AT_FDCWD)
        return 0;
    const struct file *file = file_get(task, directory);
    if (!file)
        return -EBADF;
    if (!file->path)
        return -ENOTDIR;
    size_t before = strlen(file->path);
    if (before + 1 + (size_t)length >= PATH_MAX)
        return -ENAMETOOLONG;
    memmove(path + before + 1, path, (size_t)length + 1);
    memcpy(path, file->path, before);
    path[before] = '/';
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
    /* Before it is made, or loses what it has. */
    long fd = free_descriptor(task);
    if (fd < 0)
        return fd;
    error = file_open_with(path, flags, &file);
    if (error)
        return error;
    task->process->files[fd] = file;
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
    long fd = free_descriptor(task);
    if (fd < 0)
        return fd;
    file->references++;
    task->process->files[fd] = file;
    return fd;
}
SYSCALL(SYS_DUP, sys_dup);

/*
 * Copy at most a page to the program: if not all of it can be had, then as much as lies in the first of its pages.
 * Returns how many bytes, or an error.
 */
static long copy_out(struct task *task, uint64_t to, const char *from, size_t size)
{
    long error = user_memory->out(task, to, from, size);
    if (!error)
        return (long)size;
    size_t first = PAGE_SIZE - to % PAGE_SIZE;
    return first < size && !user_memory->out(task, to, from, first) ? (long)first : error;
}

/*
 * Read from an inode's pages right into the program's memory.  No lock is held while its pages come: they may be
 * those of the same file.
 */
static long read_pages(struct task *task, struct file *file, uint64_t to, size_t size,
                       uint64_t offset)
{
    const struct inode *inode = file->inode;
    size_t done = 0;
    while (inode_piece(inode, offset + done, size - done) > 0) {
        uint64_t at = offset + done;
        uintptr_t frame;
        long count = file->ops->page(file, page_down(at), &frame);
        /* The file may have become shorter meanwhile. */
        size_t n = inode_piece(inode, at, size - done);
        if (count == 0) {
            count = copy_out(task, to + done, (const char *)frame + at % PAGE_SIZE, n);
            frame_put(frame);
        }
        if (count < 0)
            return done > 0 || n == 0 ? (long)done : count;
        done += (size_t)count;
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
        if (count > 0)
            count = copy_out(task, to + done, piece, (size_t)count);
        if (count < 0)
            return done > 0 ? (long)done : count;
        done += (size_t)count;
        if ((size_t)count < n)
            break;
    }
    return (long)done;
}

/* Read from where a file is, or, with an offset, from there.  In the order in which Linux looks at what is wrong. */
static long read_from(struct task *task, struct file *file, uint64_t to, size_t size,
                      const uint64_t *offset)
{
    uint64_t end;
    if (!file_can_read(file))
        return -EBADF;
    if (size > USER_END || to > USER_END - size)
        return -EFAULT;
    if (file->inode && file->inode->type == INODE_DIRECTORY)
        return -EISDIR;
    if (!file->ops->read_at)
        return read_pieces(task, file, to, size, NULL);
    if (__builtin_add_overflow(*offset, size, &end) || end > INT64_MAX)
        return -EINVAL;
    return file->inode ? read_pages(task, file, to, size, *offset)
                       : read_pieces(task, file, to, size, offset);
}

static long sys_read(struct task *task, const uint64_t args[6])
{
    struct file *file = file_get(task, args[0]);
    if (!file)
        return -EBADF;
    long count = read_from(task, file, args[1], args[2], &file->position);
    if (count > 0 && file->ops->read_at)
        file->position += (uint64_t)count;
    return count;
}
SYSCALL(SYS_READ, sys_read);

static long sys_pread64(struct task *task, const uint64_t args[6])
{
    struct file *file = file_get(task, args[0]);
    if ((int64_t)args[3] < 0)
        return -EINVAL;
    if (!file)
        return -EBADF;
    if (!file->ops->size)
        return -ESPIPE;
    return read_from(task, file, args[1], args[2], &args[3]);
}
SYSCALL(SYS_PREAD64, sys_pread64);

static long sys_lseek(struct task *task, const uint64_t args[6])
{
    enum { FROM_START = 0, FROM_POSITION = 1, FROM_END = 2 }; /* SEEK_SET, _CUR, _END */
    struct file *file = file_get(task, args[0]);
    if (!file)
        return -EBADF;
    uint32_t whence = (uint32_t)args[2];
    if (whence > FROM_END)
        return -EINVAL;
    if (!file->ops->size)
        return -ESPIPE;
    int64_t base = whence == FROM_POSITION ? (int64_t)file->position
                   : whence == FROM_END    ? (int64_t)file->ops->size(file)
                                           : 0;
    int64_t position;
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
    if ((uint32_t)args[2] != 0)
        return -EINVAL;
    long error = get_path(task, args[0], args[1], path);
    return error ? error : path_remove(path);
}
SYSCALL(SYS_UNLINKAT, sys_unlinkat);
