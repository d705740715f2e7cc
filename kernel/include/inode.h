/*
 * inode.h: files apart from who has them open: what a file system knows, and their pages in memory.
 *
 *     descriptor --> struct file (position, flags) --> struct inode (size, pages) --> file system --> disk
 *
 * All that is read, written or mapped of an inode goes through its pages (page_cache.c): whoever asks for the
 * same page gets the same frame, so a mapping that is shared and read() never disagree.  While an inode has
 * references its pages may stay; with the last one what is dirty is written back, and all frames are free.
 *
 * One task at a time works inside a file system: each fills or writes whole pages while the caller holds the
 * file system's lock (fs_lock()).  While somebody sleeps with that lock nobody's memory is touched: a page of a
 * program that is missing may need the lock itself.
 */
#ifndef INODE_H
#define INODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "list.h"
#include "wait.h"

struct inode;

enum inode_type { INODE_FILE, INODE_DIRECTORY, INODE_CHARACTERS };

/* Bytes of a name in UTF-8, with the zero at its end: 255 units of UTF-16 have at most 3 each. */
enum { INODE_NAME_SIZE = 255 * 3 + 1 };

/* One of the names in a directory. */
struct inode_name {
    uint64_t number; /* st_ino */
    enum inode_type type;
    char text[INODE_NAME_SIZE]; /* in UTF-8 */
};

/* What a file system does for its files.  All are called with fs_lock() held, and may sleep. */
struct inode_ops {
    /*
     * Fill the pages from number index on, one frame each, with what the file has there: zeros from
     * inode->size on.  At least the first page begins before inode->size.
     * count: 1 to BLOCK_SEGMENTS_MAX.  Returns 0 or -EIO.
     */
    int (*read_pages)(struct inode *inode, uint64_t index, const uintptr_t frames[], size_t count);

    /* Write pages from number index on, as read_pages().  All of them begin before inode->size.  0 or -EIO. */
    int (*write_pages)(struct inode *inode, uint64_t index, const uintptr_t frames[], size_t count);

    /*
     * Let the file have another size, and say so in inode->size.  It need not care what a read of the bytes
     * that it gains shows: the caller writes them.  What is lost is lost on the disk when this returns.
     * Returns 0; -ENOSPC; -EIO; -EFBIG for more than the file system can hold; -EROFS.  After an error the
     * size is as it was.
     */
    int (*resize)(struct inode *inode, uint64_t size);

    /* Write what is known of the file (its size, and where it lies), its pages having been written.  0 or -EIO. */
    int (*sync)(struct inode *inode);

    /*
     * Of a directory: the next name in it; *position, 0 at first, is where to go on.  Returns 0, -ENOENT when there
     * are no more, or -EIO.
     */
    int (*list)(struct inode *inode, uint64_t *position, struct inode_name *name);

    /* The last reference is gone, and no page is left: free it, on the disk too if it has been removed. */
    void (*release)(struct inode *inode);
};

struct inode {
    const struct inode_ops *ops;
    unsigned references;
    enum inode_type type;
    bool read_only;            /* it cannot be opened for writing */
    uint64_t number;           /* unique in its file system; st_ino */
    uint64_t size;             /* bytes */
    uint64_t device;           /* st_dev: which file system */
    struct sleep_lock writers; /* inode_write_lock() */

    /* page_cache.c's own */
    uintptr_t pages;       /* the root of the tree of pages, a frame; 0 when there is none */
    size_t cached;         /* how many pages there are */
    uint64_t hand;         /* where the search for pages to give up goes on */
    struct list in_memory; /* in the list of all inodes that have pages */
};

/* A file system, mounted at a path.  All of these are called with fs_lock() held, and may sleep. */
struct file_system {
    const char *name; /* "fat16" */

    /*
     * Find what a path names, relative to where the file system is mounted, without a leading slash: "" is its root,
     * "a/b" a file b in a directory a; no component is "." or "..", none is empty.
     * Returns 0 and an inode with a reference for the caller: the same inode as long as it has any.  Else
     * -ENOENT, -ENOTDIR (what is not the last component is no directory), -ENOMEM or -EIO.
     */
    int (*lookup)(const char *path, struct inode **found);

    /*
     * Make an empty file.  As lookup(); and -EEXIST, -EINVAL for a name that this file system cannot store,
     * -ENOSPC, -EROFS.  NULL where nothing can be made.
     */
    int (*create)(const char *path, struct inode **made);

    /*
     * Take a file's name away, or an empty directory's; what it named goes with the last reference to it.
     * Returns 0, -ENOENT, -ENOTDIR, -EISDIR for a directory if none is meant, -ENOTEMPTY, -EBUSY for the root,
     * -EIO, -EROFS.  NULL where nothing can be removed.
     */
    int (*remove)(const char *path, bool directory);

    /* Make an empty directory: as create().  NULL where nothing can be made. */
    int (*make_directory)(const char *path);

    /* Write whatever the file system has in memory, but pages.  0 or -EIO; NULL where there is nothing. */
    int (*sync)(void);
};

/*
 * The name of what is mounted right below a directory, number index of those: "disk" below "".  NULL when there are
 * no more.
 */
const char *mount_name(const char *directory, size_t index);

/* Let what lies below path ("/disk") be this file system's.  For boot: path and it stay. */
void mount(const char *path, const struct file_system *file_system);

/*
 * Only one task at a time is between these two; others sleep until it is their turn, in the order in which they
 * came.  It does not nest.  Uninterruptible: who is dying waits, too.
 */
void fs_lock(void);
void fs_unlock(void);

/* How many of size bytes from `at` on the file has in the page where `at` lies: 0 from its end on. */
size_t inode_piece(const struct inode *inode, uint64_t at, size_t size);

/*
 * Only one system call at a time that writes to an inode, or truncates it, is between these two; a program may touch its
 * own memory there.  To take before fs_lock().  What a mapping writes back needs no lock but that one.
 */
static inline void inode_write_lock(struct inode *inode)
{
    sleep_lock_take(&inode->writers);
}

static inline void inode_write_unlock(struct inode *inode)
{
    sleep_lock_release(&inode->writers);
}

/* One reference more. */
static inline void inode_get(struct inode *inode)
{
    inode->references++;
}

/* One reference less; with the last one dirty pages are written.  NULL is allowed.  Not under fs_lock(). */
void inode_put(struct inode *inode);

#endif
