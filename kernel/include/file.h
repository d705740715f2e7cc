/*
 * file.h: open files and descriptors.
 */
#ifndef FILE_H
#define FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wait.h"

struct file;
struct inode;
struct inode_name;
struct task;

struct file_ops {
    /* Up to size bytes into buffer (kernel memory).  Returns how many, 0 at the end, or -errno. */
    long (*read)(struct file *file, void *buffer, size_t size);
    /*
     * Write up to size bytes from buffer (kernel memory), where the file stands.
     * Returns how many: fewer than size where there was no room for more; or -errno when none was written.
     */
    long (*write)(struct file *file, const void *buffer, size_t size);
    /*
     * Up to size bytes of the content at offset, into kernel memory.  Returns how many: fewer where the
     * file ends; or -errno.  NULL for what has no content to look up.
     */
    long (*read_at)(struct file *file, void *buffer, size_t size, uint64_t offset);
    void (*close)(struct file *file); /* the last reference is gone; may be NULL */

    /*
     * Write size bytes from kernel memory at offset; a file that ends before their end is longer then.
     * Returns how many, or -errno.  NULL for what has no content, or none that can change.
     */
    long (*write_at)(struct file *file, const void *buffer, size_t size, uint64_t offset);

    /* How many bytes the file has now.  NULL for what has no content to look up. */
    uint64_t (*size)(const struct file *file);

    /*
     * The frame that has the page of the file at offset, a multiple of PAGE_SIZE: what is written there is in
     * the file for all who read it, and everybody who asks gets the same.  Behind the file's end it has
     * zeros.  (Of a file that nobody can write, it may be a copy.)
     * Returns 0, and a reference for the caller to the frame (frame_put() it); -ENOMEM; -EIO when it cannot be
     * read, or the file ends at offset or before.  NULL for what has no content to look up.
     */
    int (*page)(struct file *file, uint64_t offset, uintptr_t *frame);

    /*
     * Of a directory: the next name in it, and file->position is behind that.  Returns 0, -ENOENT when there are no
     * more, or another error.  NULL for what is no directory.
     */
    int (*next_name)(struct file *file, struct inode_name *name);

    /* What is no regular file and no directory: what fstat() says of it, S_IF… and permissions.  0: characters. */
    unsigned mode;
    bool is_terminal; /* isatty(3) */

    /* Have all that was written survive a loss of power.  Returns 0 or -EIO.  NULL: nothing to do. */
    int (*sync)(struct file *file);

    /*
     * What read() has returned more than 0 for: how many of these bytes have been taken.  The others are still to be
     * read, and nobody else reads before.  NULL: read() itself has taken them.
     */
    void (*read_done)(struct file *file, size_t taken);

    /*
     * Around all write()s of one system call, which may be many pieces: until write_end() no other call's piece comes
     * between, as far as write(2) and pipe(7) promise.  Called by file_write_whole() alone.
     * size: how many bytes the call has.  Returns 0, and write_end() must follow; or -errno, the call's result.
     * Both NULL: nothing to do.  write_begin() may sleep.
     */
    long (*write_begin)(struct file *file, size_t size);
    void (*write_end)(struct file *file);
};

struct file {
    const struct file_ops *ops;
    unsigned references; /* add 1 to take another, which file_put() gives up */
    unsigned flags;      /* how it was opened: O_… */
    uint64_t position;   /* where the next read() or write() begins */
    struct sleep_lock
        position_lock;   /* one call at a time works at the position, if the file has one */
    struct inode *inode; /* inode.h; NULL for what is in no file system */
    char
        *path; /* of a directory: where it is, "/disk/a", without "." and ".."; NULL for all else */
};

/* Of open(2) (include/uapi/asm-generic/fcntl.h). */
enum {
    O_RDONLY = 0,
    O_WRONLY = 1,
    O_RDWR = 2,
    O_ACCMODE = 3,
    O_CREAT = 0100,
    O_EXCL = 0200,
    O_TRUNC = 01000,
    O_APPEND = 02000,
    O_NONBLOCK = 04000,
    O_DIRECTORY = 0200000,
    O_CLOEXEC = 02000000,
    O_PATH = 010000000 /* it only names a file: nothing can be done with the content */
};

/* Was the file opened for reading; for writing?  With O_ACCMODE itself, for neither. */
static inline bool file_can_read(const struct file *file)
{
    return (file->flags & O_ACCMODE) == O_RDONLY || (file->flags & O_ACCMODE) == O_RDWR;
}

static inline bool file_can_write(const struct file *file)
{
    return (file->flags & O_ACCMODE) == O_WRONLY || (file->flags & O_ACCMODE) == O_RDWR;
}

/*
 * The task's open file behind a descriptor; NULL (say -EBADF) when fd is not an open one, or one that was opened with
 * O_PATH.
 * fd: any value a program may pass.  The file stays the process's: do not put it back.
 */
struct file *file_get(struct task *task, uint64_t fd);

/* The same, O_PATH or not: for calls that are about the descriptor, or about what it names. */
struct file *file_get_any(struct task *task, uint64_t fd);

/* Give one reference up; the last user of a file closes it.  NULL is allowed. */
void file_put(struct file *file);

/*
 * Open the regular file with this path ("/bin/hello"), for reading.  The caller owns the reference.
 * NULL, and *error is -ENOENT, -ENOTDIR, -EISDIR, -EACCES for a device, -EIO or -ENOMEM.
 */
struct file *file_open(const char *path, int *error);

/* The same with flags: open(2).  0, or a negative errno. */
int file_open_with(const char *path, unsigned flags, struct file **opened);

/*
 * Make a system call whose args[0] is a descriptor, and which writes size bytes to its file in pieces, so that no other
 * call's bytes come between: pieces(task, args), between ops->write_begin() and ops->write_end().  It nests.
 * address: where the bytes are, the program's.  Returns what pieces() returns; or -EFAULT, or why it could not begin.
 */
long file_write_whole(struct task *task, const uint64_t args[6], uint64_t address, uint64_t size,
                      long (*pieces)(struct task *task, const uint64_t args[6]));

/* Does a file have a position that reading and writing move?  (A pipe and a terminal have none.) */
static inline bool file_has_position(const struct file *file)
{
    return file->ops->size || file->path;
}

/* A part of a program's memory: struct iovec. */
struct io_piece {
    uint64_t address, size;
};

/*
 * read(2) and readv(2): read from where a file stands into one piece after the other, until one is not filled.  From
 * what has no content to look up there is one read, for a second might have to wait.
 * Returns how many bytes, or an error.
 */
long file_read_pieces(struct task *task, struct file *file, const struct io_piece pieces[],
                      size_t count);

/*
 * Have the position of an open file, which several processes may share, for one call alone: read(2), write(2),
 * lseek(2) and getdents64(2) are serialised by it.  Of a file without a position these do nothing.
 */
static inline void file_position_lock(struct file *file)
{
    if (file_has_position(file))
        sleep_lock_take(&file->position_lock);
}

static inline void file_position_unlock(struct file *file)
{
    if (file_has_position(file))
        sleep_lock_release(&file->position_lock);
}

/* struct stat of an open file, to an address of a program's memory.  0 or -EFAULT. */
long stat_out(struct task *task, uint64_t to, const struct file *file);

/*
 * Make a file that has no name and lies in memory alone: size bytes of zeros, each page of which takes a frame
 * when it is asked for.  It can be read and written, and is gone with its last reference, which is the
 * caller's.  NULL without memory.
 */
struct file *memory_file_create(uint64_t size);

/*
 * For who serves directories that no file system has: open one, with this path, and what its ops may be.
 * 0 and the caller's reference, or -ENOMEM.
 */
int directory_file_create(const struct file_ops *ops, unsigned flags, const char *path,
                          struct file **opened);
long directory_read(struct file *file, void *buffer, size_t size);
long directory_write(struct file *file, const void *buffer, size_t size);
void directory_close(struct file *file);

/* The console: for reading (descriptor 0; writing gives -EBADF) and for writing (1 and 2). */
extern struct file console_input, console_output;

#endif
