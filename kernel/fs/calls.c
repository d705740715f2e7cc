/* calls.c: the system calls on files.  See their pages in section 2 of the Linux manual. */
#include "errno.h"
#include "file.h"
#include "frame.h"
#include "inode.h"
#include "inode_file.h"
#include "kmalloc.h"
#include "memory.h"
#include "page_cache.h"
#include "path.h"
#include "pipe.h"
#include "slot.h"
#include "space.h"
#include "string.h"
#include "syscall.h"
#include "task.h"
#include "user_memory.h"

/* The lowest descriptor that is free, or -EMFILE. */
static long free_descriptor(const struct task *task)
{
    long fd = 0;
    while (fd < PROCESS_FILES && task->process->files[fd])
        fd++;
    return fd < PROCESS_FILES ? fd : -EMFILE;
}

/* Let a descriptor, which is free, be a file's: it takes the caller's reference.  Of the flags O_CLOEXEC counts. */
static void set_descriptor(struct task *task, long fd, struct file *file, unsigned flags)
{
    struct process *process = task->process;
    process->files[fd] = file;
    process->close_on_exec &= ~(1u << fd);
    if (flags & O_CLOEXEC)
        process->close_on_exec |= 1u << fd;
}

/* openat(directory, path, flags, mode): args[0] to args[3].  Modes are nothing that FAT knows. */
static long sys_openat(struct task *task, const uint64_t args[6])
{
    char *path;
    struct file *file;
    long error = path_in(task, args[0], args[1], &path);
    if (error)
        return error;
    unsigned flags = (unsigned)args[2];
    if (flags & O_PATH)
        flags &= O_PATH | O_DIRECTORY | O_CLOEXEC;
    /* Before it is made, or loses what it has. */
    long fd = free_descriptor(task);
    error = fd < 0 ? fd : file_open_with(path, flags, &file);
    kfree(path);
    if (error)
        return error;
    set_descriptor(task, fd, file, flags);
    return fd;
}
SYSCALL(SYS_OPENAT, sys_openat);

static long sys_close(struct task *task, const uint64_t args[6])
{
    struct file *file = file_get_any(task, args[0]);
    if (!file)
        return -EBADF;
    set_descriptor(task, (uint32_t)args[0], NULL, 0);
    file_put(file);
    return 0;
}
SYSCALL(SYS_CLOSE, sys_close);

static long sys_dup(struct task *task, const uint64_t args[6])
{
    struct file *file = file_get_any(task, args[0]);
    if (!file)
        return -EBADF;
    long fd = free_descriptor(task);
    if (fd < 0)
        return fd;
    file->references++;
    set_descriptor(task, fd, file, 0);
    return fd;
}
SYSCALL(SYS_DUP, sys_dup);

/* dup3(from, to, flags): args[0] to args[2]. */
static long sys_dup3(struct task *task, const uint64_t args[6])
{
    struct file *file = file_get_any(task, args[0]);
    uint32_t to = (uint32_t)args[1], flags = (uint32_t)args[2];
    if ((flags & ~(uint32_t)O_CLOEXEC) || (uint32_t)args[0] == to)
        return -EINVAL;
    if (!file || to >= PROCESS_FILES)
        return -EBADF;
    struct file *before = task->process->files[to];
    file->references++;
    set_descriptor(task, to, file, flags);
    file_put(before);
    return to;
}
SYSCALL(SYS_DUP3, sys_dup3);

/* pipe2(fds, flags): args[0], where two ints go, and args[1]. */
static long sys_pipe2(struct task *task, const uint64_t args[6])
{
    uint32_t flags = (uint32_t)args[1];
    int32_t fds[2];
    struct file *ends[2];
    if (flags & ~(uint32_t)(O_CLOEXEC | O_NONBLOCK))
        return -EINVAL;
    long error = pipe_create(flags & O_NONBLOCK, ends);
    if (error)
        return error;
    size_t made = 0;
    for (long fd; made < 2 && (fd = free_descriptor(task)) >= 0; made++) {
        fds[made] = (int32_t)fd;
        set_descriptor(task, fd, ends[made], flags);
    }
    if (made < 2)
        error = -EMFILE;
    if (!error)
        error = user_memory->out(task, args[0], fds, sizeof(fds));
    for (size_t i = 0; error && i < 2; i++) {
        if (i < made)
            set_descriptor(task, fds[i], NULL, 0);
        file_put(ends[i]);
    }
    return error;
}
SYSCALL(SYS_PIPE2, sys_pipe2);

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

/* Read from whatever has read_at(), by way of a piece of the kernel's. */
static long read_pieces(struct task *task, struct file *file, uint64_t to, size_t size,
                        uint64_t offset)
{
    char piece[512];
    size_t done = 0;
    while (done < size) {
        size_t n = size - done < sizeof(piece) ? size - done : sizeof(piece);
        long count = file->ops->read_at(file, piece, n, offset + done);
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

/* Copy to one piece after the other.  Returns how many bytes: fewer than size where one is bad; or an error. */
static long scatter(struct task *task, const struct io_piece pieces[], size_t count,
                    const char *from, size_t size)
{
    size_t done = 0;
    for (size_t i = 0; i < count && done < size; i++) {
        size_t n = size - done < pieces[i].size ? size - done : pieces[i].size;
        long copied = n > 0 ? copy_out(task, pieces[i].address, from + done, n) : 0;
        if (copied < 0)
            return done > 0 ? (long)done : copied;
        done += (size_t)copied;
        if ((size_t)copied < n)
            break;
    }
    return (long)done;
}

/* Read from what has no content to look up: once, for a second time might have to wait. */
static long read_stream(struct task *task, struct file *file, const struct io_piece pieces[],
                        size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count && size < PAGE_SIZE; i++)
        size += pieces[i].size < PAGE_SIZE ? pieces[i].size : (size_t)PAGE_SIZE;
    size = size < PAGE_SIZE ? size : (size_t)PAGE_SIZE;
    char *bytes = kmalloc(size + 1);
    if (!bytes)
        return -ENOMEM;
    long had = file->ops->read(file, bytes, size), result = had;
    if (had > 0)
        result = scatter(task, pieces, count, bytes, (size_t)had);
    if (had > 0 && file->ops->read_done) {
        if (result != had)
            result = -EFAULT; /* all of it is still to be read */
        file->ops->read_done(file, result > 0 ? (size_t)result : 0);
    }
    kfree(bytes);
    return result;
}

/* Read what has content to look up, from an offset on. */
static long read_content(struct task *task, struct file *file, uint64_t to, size_t size,
                         uint64_t offset)
{
    uint64_t end;
    if (__builtin_add_overflow(offset, size, &end) || end > INT64_MAX)
        return -EINVAL;
    return file->inode ? read_pages(task, file, to, size, offset)
                       : read_pieces(task, file, to, size, offset);
}

/* Can a file be read, into these pieces?  0 or an error: in the order in which Linux looks at what is wrong. */
static long check_read(const struct file *file, const struct io_piece pieces[], size_t count)
{
    if (!file_can_read(file))
        return -EBADF;
    for (size_t i = 0; i < count; i++)
        if (pieces[i].size > USER_END || pieces[i].address > USER_END - pieces[i].size)
            return -EFAULT;
    return file->path ? -EISDIR : 0;
}

long file_read_pieces(struct task *task, struct file *file, const struct io_piece pieces[],
                      size_t count)
{
    long error = check_read(file, pieces, count), done = 0;
    if (error)
        return error;
    if (!file->ops->read_at)
        return read_stream(task, file, pieces, count);
    file_position_lock(file);
    for (size_t i = 0; i < count; i++) {
        long n = read_content(task, file, pieces[i].address, pieces[i].size, file->position);
        if (n < 0) {
            error = n;
            break;
        }
        file->position += (uint64_t)n;
        done += n;
        if ((uint64_t)n < pieces[i].size)
            break;
    }
    file_position_unlock(file);
    return done > 0 ? done : error;
}

static long sys_read(struct task *task, const uint64_t args[6])
{
    struct file *file = file_get(task, args[0]);
    const struct io_piece piece = {args[1], args[2]};
    return file ? file_read_pieces(task, file, &piece, 1) : -EBADF;
}
SYSCALL(SYS_READ, sys_read);

long file_write_whole(struct task *task, const uint64_t args[6], uint64_t address, uint64_t size,
                      long (*pieces)(struct task *task, const uint64_t args[6]))
{
    struct process *process = task->process;
    struct file *file = file_get(task, args[0]);
    /* What cannot be written, pieces() has an error for. */
    if (!file || !file->ops->write_begin || !file_can_write(file) || process->written == file)
        return pieces(task, args);
    /* Before it waits for others. */
    if (size > USER_END || address > USER_END - size)
        return -EFAULT;
    long result = file->ops->write_begin(file, size);
    if (result)
        return result;
    process->written = file;
    result = pieces(task, args);
    process->written = NULL;
    file->ops->write_end(file);
    return result;
}

/* write(2) is lab 1's.  It knows nothing of other processes, so this comes before it: see file_write_whole(). */
static long (*write_pieces)(struct task *task, const uint64_t args[6]);

static long write_whole(struct task *task, const uint64_t args[6])
{
    return file_write_whole(task, args, args[1], args[2], write_pieces);
}

static void stand_before_write(void)
{
    write_pieces = syscall_table[SYS_WRITE];
    if (write_pieces)
        syscall_table[SYS_WRITE] = write_whole;
}
INITCALL(0, stand_before_write);

static long sys_pread64(struct task *task, const uint64_t args[6])
{
    struct file *file = file_get(task, args[0]);
    if ((int64_t)args[3] < 0)
        return -EINVAL;
    if (!file)
        return -EBADF;
    if (!file->ops->size)
        return -ESPIPE;
    const struct io_piece piece = {args[1], args[2]};
    long error = check_read(file, &piece, 1);
    return error ? error : read_content(task, file, args[1], args[2], args[3]);
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
    if (!file_has_position(file))
        return -ESPIPE;
    file_position_lock(file);
    int64_t base = whence == FROM_POSITION ? (int64_t)file->position
                   : whence == FROM_END    ? (int64_t)(file->ops->size ? file->ops->size(file) : 0)
                                           : 0;
    int64_t position;
    if (__builtin_add_overflow(base, (int64_t)args[1], &position) || position < 0)
        position = -EINVAL;
    else
        file->position = (uint64_t)position;
    file_position_unlock(file);
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

long stat_out(struct task *task, uint64_t to, const struct file *file)
{
    enum { DIRECTORY = 0040755, REGULAR = 0100644, CHARACTERS = 0020620 };
    struct stat stat = {
        .mode = file->path        ? DIRECTORY
                : file->ops->mode ? file->ops->mode
                : file->ops->size ? REGULAR
                                  : CHARACTERS,
        .links = 1,
        .block_size = file->ops->size ? PAGE_SIZE : 1024,
    };
    if (file->ops->size && !file->path) {
        stat.size = (int64_t)file->ops->size(file);
        stat.blocks = (stat.size + 511) / 512;
    }
    if (file->inode) {
        stat.device = file->inode->device;
        stat.inode = file->inode->number;
    }
    return user_memory->out(task, to, &stat, sizeof(stat));
}

static long sys_fstat(struct task *task, const uint64_t args[6])
{
    const struct file *file = file_get_any(task, args[0]);
    return file ? stat_out(task, args[1], file) : -EBADF;
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
