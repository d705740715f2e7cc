/*
 * path.h: paths, and what is done by them.  Opening: file.h.
 */
#ifndef PATH_H
#define PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct task;

/* Bytes of a path that a program passes, with the zero at its end: too many for the kernel's stack, so kmalloc() them. */
enum { PATH_MAX = 4096 };

#define AT_FDCWD (-100) /* instead of a descriptor: the directory of the process */

/*
 * Copy a path from a program: args of a call whose first two are a descriptor and an address.  One that does not
 * begin with a slash begins in the directory that the descriptor is.
 * 0, and *path is the caller's to kfree(); -EFAULT; -ENAMETOOLONG; -ENOENT for an empty one; -EBADF, -ENOTDIR; -ENOMEM.
 */
long path_in(struct task *task, uint64_t directory, uint64_t address, char **path);

/*
 * A path that does not begin with a slash begins in the directory of the current process, here and wherever one is
 * opened.
 *
 * Take a file's name away, or an empty directory's.
 * 0, -ENOENT, -ENOTDIR, -EISDIR, -ENOTEMPTY, -EBUSY, -EROFS, -EIO, -ENOMEM, -ENAMETOOLONG.
 */
int path_remove(const char *path, bool directory);

/* Make an empty directory.  0, or as above; -EEXIST, -ENOSPC. */
int path_make_directory(const char *path);

/* The path of a directory from the root on, "" for the root: the caller's to kfree().  0, or as above: it must be one. */
int path_directory(const char *path, char **normal);

/* Have all that was written to files, and what they are called, survive a loss of power.  0 or -EIO.  It sleeps. */
int file_systems_sync(void);

#endif
