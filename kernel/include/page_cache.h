/*
 * page_cache.h: the pages of inodes: everything that is read, written or mapped of a file passes here.
 *
 * There are at most as many as 1/32 of memory has, but for those that are mapped or not yet written: when there
 * would be more, pages of the same file are given up that can be read again.  All of these functions may sleep,
 * and none is to be called under fs_lock().
 */
#ifndef PAGE_CACHE_H
#define PAGE_CACHE_H

#include <stddef.h>
#include <stdint.h>

struct inode;

/*
 * The frame of page number index, with a reference for the caller.  Where a file is read in order, pages behind
 * it come with it.  Returns 0, -ENOMEM, or -EIO: it cannot be read, or lies behind the end of the file.
 */
int inode_page(struct inode *inode, uint64_t index, uintptr_t *frame);

/*
 * Write size bytes at offset into the pages, the file growing as it has to, with zeros where nobody wrote.  The
 * bytes may lie in the very page that they go to: a mapping of it, which is said to be written by this.
 * Returns how many, or -ENOMEM, -EIO, -ENOSPC, -EFBIG, -EROFS.
 */
long inode_write(struct inode *inode, const void *buffer, size_t size, uint64_t offset);

/* Let the file have another size; what it gains is zero.  Returns 0 or an error, as above. */
int inode_resize(struct inode *inode, uint64_t size);

/* Write what is not on the disk yet, of one file or of all.  Returns 0 or -EIO. */
int inode_sync(struct inode *inode);
int inodes_sync(void);

/* How many frames hold pages of files, and the trees that lead to them. */
size_t page_cache_frames(void);

#endif
