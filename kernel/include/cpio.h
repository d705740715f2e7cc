/*
 * cpio.h: the archive that QEMU hands over as -initrd, in the "newc" format of cpio(5).
 */
#ifndef CPIO_H
#define CPIO_H

#include <stdbool.h>
#include <stddef.h>

struct cpio_file {
    const char *
        name; /* from the root on, without a leading slash, "." and ".."; NUL-terminated, inside the archive */
    const void *data; /* inside the archive */
    size_t size;
    bool is_directory;
    size_t next; /* where the next member starts: an offset for cpio_next() */
};

/*
 * Remember where the archive lies, and bring its names into one form, in place.  A damaged member and all after it are
 * as if not there; of several members of one name only the last is there.
 */
void cpio_init(const void *archive, size_t size);

/*
 * The next regular file or directory from offset on: 0 for the first, then file->next for the one after.  Returns
 * false at the end of the archive or where it is damaged.  Links and devices are passed over; hard links are files with
 * the same data.
 */
bool cpio_next(size_t offset, struct cpio_file *file);

/* The regular file with this path ("/bin/hello"); false when there is none. */
bool cpio_find(const char *path, struct cpio_file *file);

#endif
