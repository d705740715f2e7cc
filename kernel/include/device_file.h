/*
 * device_file.h: /dev: what is no file, and can be opened like one.
 */
#ifndef DEVICE_FILE_H
#define DEVICE_FILE_H

struct file;

/*
 * Open /dev or something in it: console, null, tty.  0 and the caller's reference; -ENOENT when the path is not one
 * of these; -EEXIST, -EISDIR, -ENOTDIR, -ENOMEM.
 */
int device_open(const char *path, unsigned flags, struct file **opened);

/* Is it /dev?  0, -ENOTDIR for something in it, -ENOENT for all else. */
int device_check_directory(const char *path);

#endif
