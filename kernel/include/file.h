/*
 * file.h: open files and descriptors.
 */
#ifndef FILE_H
#define FILE_H

#include <stddef.h>
#include <stdint.h>

struct file;
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
};

struct file {
    const struct file_ops *ops;
    unsigned references; /* add 1 to take another, which file_put() gives up */
};

/*
 * The task's open file behind a descriptor; NULL (say -EBADF) when fd is not an open one.
 * fd: any value a program may pass.  The file stays the process's: do not put it back.
 */
struct file *file_get(struct task *task, uint64_t fd);

/* Give one reference up; the last user of a file closes it.  NULL is allowed. */
void file_put(struct file *file);

/*
 * Open the regular file of the archive with this path ("/bin/hello"), for reading.  The caller owns
 * the reference.  NULL, and *error is -ENOENT or -ENOMEM.
 */
struct file *archive_open(const char *path, int *error);

/* The console: for reading (descriptor 0; writing gives -EBADF) and for writing (1 and 2). */
extern struct file console_input, console_output;

#endif
