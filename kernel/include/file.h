/*
 * file.h: open files and descriptors.
 */
#ifndef FILE_H
#define FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct file;
struct inode;
struct inode_name;
struct task;

struct file_ops {
    /* Up to size bytes into buffer (kernel memory).  Returns how many, 0 at the end, or -errno. */
    long (*read)(struct file *file, void *buffer, size_t size);
    /* Up to size bytes from buffer (kernel memory).  Returns how many, or -errno. */
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
};

struct file {
    const struct file_ops *ops;
    unsigned references; /* add 1 to take another, which file_put() gives up */
    unsigned flags;      /* how it was opened: O_… */
    uint64_t position;   /* where the next read() or write() begins */
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
