/*
 * path.h: paths, and what is done by them.  Opening: file.h.
 */
#ifndef PATH_H
#define PATH_H

enum { PATH_MAX = 256 };

/*
 * Write a path from the root on without "//", "." and "..": "/a/b", and "" for the root itself.  One that does
 * not begin with a slash is taken from the root.  Returns 0, -ENOENT for an empty path, -ENAMETOOLONG.
 */
int path_normalize(const char *path, char normal[PATH_MAX]);

/* Take a file's name away.  0, -ENOENT, -ENOTDIR, -EISDIR, -EROFS, -EIO, -ENAMETOOLONG. */
int path_remove(const char *path);

/* Write all that is in memory only, of all files.  0 or -EIO. */
int file_systems_sync(void);

#endif
