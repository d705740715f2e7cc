/* files.c: calls on files that C libraries make beside those of kernel/fs.  See section 2 of the Linux manual. */
#include <stddef.h>

#include "errno.h"
#include "file.h"
#include "inode.h"
#include "inode_file.h"
#include "kmalloc.h"
#include "page_cache.h"
#include "path.h"
#include "space.h"
#include "syscall.h"
#include "task.h"
#include "user_memory.h"

enum { VECTOR_MAX = 1024, TOTAL_MAX = 0x7ffff000 }; /* IOV_MAX, and MAX_RW_COUNT of Linux */

/*
 * Copy a vector of pieces from a program: args[1] and args[2] of readv() and writev().  *vector: the caller's to
 * kfree().  Returns how many bytes the pieces have, or an error: then there is no vector.
 */
static long vector_in(struct task *task, const uint64_t args[6], struct io_piece **vector)
{
    size_t count = args[2];
    if (args[2] > VECTOR_MAX)
        return -EINVAL;
    struct io_piece *pieces = kmalloc(count * sizeof(*pieces) + 1);
    if (!pieces)
        return -ENOMEM;
    long error = user_memory->in(task, pieces, args[1], count * sizeof(*pieces));
    for (size_t i = 0; !error && i < count; i++)
        if ((int64_t)pieces[i].size < 0)
            error = -EINVAL;
    uint64_t total = 0;
    for (size_t i = 0; !error && i < count; i++) {
        if (pieces[i].size > USER_END || pieces[i].address > USER_END - pieces[i].size)
            error = -EFAULT;
        if (pieces[i].size > TOTAL_MAX - total)
            pieces[i].size = TOTAL_MAX - total;
        total += pieces[i].size;
    }
    if (error) {
        kfree(pieces);
        return error;
    }
    *vector = pieces;
    return (long)total;
}

/* readv(fd, pieces, count): args[0] to args[2]. */
static long sys_readv(struct task *task, const uint64_t args[6])
{
    struct file *file = file_get(task, args[0]);
    struct io_piece *pieces;
    if (!file)
        return -EBADF;
    long result = vector_in(task, args, &pieces);
    if (result < 0)
        return result;
    result = file_read_pieces(task, file, pieces, args[2]);
    kfree(pieces);
    return result;
}
SYSCALL(SYS_READV, sys_readv);

/* Write one piece after the other, until one is not written to its end.  args[1]: they are in the kernel by now. */
static long write_pieces(struct task *task, const uint64_t args[6])
{
    const struct io_piece *pieces = (const struct io_piece *)args[1];
    long done = 0;
    for (uint64_t i = 0; i < args[2]; i++) {
        if (pieces[i].size == 0)
            continue;
        long count = syscall_table[SYS_WRITE](
            task, (const uint64_t[6]){args[0], pieces[i].address, pieces[i].size});
        if (count < 0)
            return done > 0 ? done : count;
        done += count;
        if ((uint64_t)count < pieces[i].size)
            break;
    }
    return done;
}

/* writev(fd, pieces, count): args[0] to args[2]. */
static long sys_writev(struct task *task, const uint64_t args[6])
{
    const struct file *file = file_get(task, args[0]);
    struct io_piece *pieces;
    if (!file)
        return -EBADF;
    long result = vector_in(task, args, &pieces);
    if (result < 0)
        return result;
    const uint64_t inner[6] = {args[0], (uint64_t)pieces, args[2]};
    result = file_can_write(file) ? file_write_whole(task, inner, 0, (uint64_t)result, write_pieces)
                                  : -EBADF;
    kfree(pieces);
    return result;
}
SYSCALL(SYS_WRITEV, sys_writev);

/* ioctl(fd, request, address): args[0] to args[2].  Terminals say that they are, and how large. */
static long sys_ioctl(struct task *task, const uint64_t args[6])
{
    enum { TCGETS = 0x5401, TIOCGWINSZ = 0x5413 };
    const struct file *file = file_get(task, args[0]);
    if (!file)
        return -EBADF;
    if (!file->ops->is_terminal)
        return -ENOTTY;
    switch ((uint32_t)args[1]) {
    case TCGETS: {
        /* struct termios (include/uapi/asm-generic/termbits.h): ICRNL; OPOST, ONLCR; ISIG, ICANON, ECHO. */
        struct {
            uint32_t input, output, control, local;
            uint8_t line, characters[19];
        } termios = {.input = 0400, .output = 5, .control = 0277, .local = 013};
        return user_memory->out(task, args[2], &termios, 36);
    }
    case TIOCGWINSZ: {
        const uint16_t size[4] = {24, 80};
        return user_memory->out(task, args[2], size, sizeof(size));
    }
    default:
        return -ENOTTY;
    }
}
SYSCALL(SYS_IOCTL, sys_ioctl);

/* fcntl(fd, command, argument): args[0] to args[2].  Copies of descriptors, and flags. */
static long sys_fcntl(struct task *task, const uint64_t args[6])
{
    enum {
        F_DUPFD = 0,
        F_GETFD = 1,
        F_SETFD = 2,
        F_GETFL = 3,
        F_SETFL = 4,
        F_DUPFD_CLOEXEC = 1030
    };
    struct process *process = task->process;
    struct file *file = file_get_any(task, args[0]);
    if (!file)
        return -EBADF;
    uint32_t command = (uint32_t)args[1], bit = 1u << (uint32_t)args[0];
    switch (command) {
    case F_GETFD:
        return process->close_on_exec & bit ? 1 : 0;
    case F_SETFD:
        process->close_on_exec &= ~bit;
        process->close_on_exec |= args[2] & 1 ? bit : 0;
        return 0;
    case F_GETFL:
        return (long)(file->flags & ~(unsigned)(O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC));
    case F_SETFL: {
        const unsigned can_change = O_APPEND | O_NONBLOCK;
        if (file->flags & O_PATH)
            return -EBADF;
        file_position_lock(file); /* a write() under way goes on where it began */
        file->flags = (file->flags & ~can_change) | ((unsigned)args[2] & can_change);
        file_position_unlock(file);
        return 0;
    }
    case F_DUPFD:
    case F_DUPFD_CLOEXEC: {
        uint64_t to = args[2];
        if (to >= PROCESS_FILES)
            return -EINVAL;
        while (to < PROCESS_FILES && process->files[to])
            to++;
        if (to == PROCESS_FILES)
            return -EMFILE;
        const uint64_t dup[6] = {args[0], to, command == F_DUPFD ? 0 : O_CLOEXEC};
        return syscall_table[SYS_DUP3](task, dup);
    }
    default:
        return -EINVAL;
    }
}
SYSCALL(SYS_FCNTL, sys_fcntl);

/* truncate(path, size): args[0] and args[1]. */
static long sys_truncate(struct task *task, const uint64_t args[6])
{
    char *path;
    struct file *file;
    if ((int64_t)args[1] < 0)
        return -EINVAL;
    long error = path_in(task, (uint64_t)AT_FDCWD, args[0], &path);
    if (error)
        return error;
    error = file_open_with(path, O_WRONLY, &file);
    kfree(path);
    if (error)
        return error;
    error = file->inode ? inode_truncate(file->inode, args[1]) : -EINVAL;
    file_put(file);
    return error;
}
SYSCALL(SYS_TRUNCATE, sys_truncate);

/* fdatasync(fd): what else fsync() writes is little. */
static long sys_fdatasync(struct task *task, const uint64_t args[6])
{
    return syscall_table[SYS_FSYNC](task, args);
}
SYSCALL(SYS_FDATASYNC, sys_fdatasync);

/* Is there what a path names?  args: of a call whose first two are a directory and a path. */
static long exists(struct task *task, const uint64_t args[6])
{
    char *path;
    struct file *file;
    long error = path_in(task, args[0], args[1], &path);
    if (error)
        return error;
    error = file_open_with(path, O_RDONLY, &file);
    kfree(path);
    if (!error)
        file_put(file);
    return error;
}

/* faccessat(directory, path, mode): everybody may do everything with what there is. */
static long sys_faccessat(struct task *task, const uint64_t args[6])
{
    return (uint32_t)args[2] & ~7u ? -EINVAL : exists(task, args);
}
SYSCALL(SYS_FACCESSAT, sys_faccessat);

/* readlinkat(directory, path, buffer, size): nothing is a link. */
static long sys_readlinkat(struct task *task, const uint64_t args[6])
{
    long error = exists(task, args);
    return error ? error : -EINVAL;
}
SYSCALL(SYS_READLINKAT, sys_readlinkat);

/* The pieces of pwrite64(), whose arguments are right. */
static long write_pieces_at(struct task *task, struct file *file, const uint64_t args[6])
{
    uint64_t size = args[2], done = 0;
    char piece[512];
    while (done < size) {
        size_t n = size - done < sizeof(piece) ? size - done : sizeof(piece);
        long count = user_memory->in(task, piece, args[1] + done, n);
        if (!count && (file->flags & O_APPEND))
            count = file->ops->write_at(file, piece, n, INODE_END);
        else if (!count)
            count = file->ops->write_at(file, piece, n, args[3] + done);
        if (count < 0)
            return done > 0 ? (long)done : count;
        done += (uint64_t)count;
        if ((size_t)count < n)
            break;
    }
    return (long)done;
}

/* pwrite64(fd, buffer, size, offset): args[0] to args[3].  What is opened to append is appended to, as on Linux. */
static long sys_pwrite64(struct task *task, const uint64_t args[6])
{
    struct file *file = file_get(task, args[0]);
    uint64_t size = args[2], end;
    if ((int64_t)args[3] < 0)
        return -EINVAL;
    if (!file)
        return -EBADF;
    if (!file->ops->size && !file->path)
        return -ESPIPE;
    if (!file_can_write(file) || !file->ops->write_at)
        return -EBADF;
    if (size > USER_END || args[1] > USER_END - size)
        return -EFAULT;
    if (__builtin_add_overflow(args[3], size, &end) || end > INT64_MAX)
        return -EINVAL;
    inode_write_lock(file->inode);
    long count = write_pieces_at(task, file, args);
    inode_write_unlock(file->inode);
    return count;
}
SYSCALL(SYS_PWRITE64, sys_pwrite64);
