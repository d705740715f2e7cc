/*
 * archive.h: the files of the archive (cpio.h), which nobody can write.
 */
#ifndef ARCHIVE_H
#define ARCHIVE_H

struct file;

/*
 * Open the file or directory with this path.  flags: O_… of file.h.  Returns 0 and a reference for the caller;
 * -ENOENT, -EEXIST, -ENOTDIR, -EISDIR for a directory that is to be written, -EROFS, -ENOMEM.
 */
int archive_open(const char *path, unsigned flags, struct file **opened);

/* Is there a directory with this path ("/bin", and "" for the root)?  0, -ENOTDIR for a file, -ENOENT. */
int archive_check_directory(const char *path);

#endif
