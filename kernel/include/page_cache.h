/*
 * page_cache.h: the pages of inodes: everything that is read, written or mapped of a file passes here.
 *
 * Beside those that are mapped, and those of files in memory alone, there are not many more than 1/32 of memory has:
 * for a new one another page of the same file is given up then, after it has been written.  When there is no frame, one
 * of any file is.  All of these functions may sleep, and only inodes_sync() is to be called under fs_lock().
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
 * Write size bytes at offset into the pages, the file growing as it has to, with zeros where nobody wrote; at
 * INODE_END, wherever it ends by then.  The bytes may lie in the very page that they go to: a mapping of it, which
 * is said to be written by this, and nobody sleeps.
 * Returns how many, fewer than size where an error came in the middle; or -ENOMEM, -EIO, -ENOSPC, -EFBIG, -EROFS.
 * The file has grown for bytes that were written only, though more may have been seen of it meanwhile.
 */
#define INODE_END UINT64_MAX
long inode_write(struct inode *inode, const void *buffer, size_t size, uint64_t offset);

/* Let the file have another size; what it gains is zero.  Returns 0 or an error, as above. */
int inode_resize(struct inode *inode, uint64_t size);

/* Have what was written to a file survive a loss of power.  Returns 0 or -EIO. */
int inode_sync(struct inode *inode);

/* Write the pages of all files, and what is known of these.  Under fs_lock().  Returns 0 or -EIO. */
int inodes_sync(void);

/* How many frames hold pages of files, and the trees that lead to them. */
size_t page_cache_frames(void);

#endif
