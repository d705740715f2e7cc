/*
 * path.h: paths, and what is done by them.  Opening: file.h.
 */
#ifndef PATH_H
#define PATH_H

enum { PATH_MAX = 256 }; /* bytes of a path, with the zero at its end */

/*
 * Take a file's name away.  One that does not begin with a slash is taken from the root.
 * 0, -ENOENT, -ENOTDIR, -EISDIR, -EROFS, -EIO, -ENOMEM, -ENAMETOOLONG.
 */
int path_remove(const char *path);

/* Have all that was written to files, and what they are called, survive a loss of power.  0 or -EIO.  It sleeps. */
int file_systems_sync(void);

#endif
