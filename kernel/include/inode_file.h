/*
 * inode_file.h: open files with an inode behind them (inode.h).
 */
#ifndef INODE_FILE_H
#define INODE_FILE_H

#include <stdint.h>

struct file;
struct inode;

/*
 * Open an inode: the file takes the caller's reference to it.  flags: O_… of file.h; path: by which it was found.
 * Returns 0 and the caller's reference to the file, or -ENOMEM (the inode's is then still the caller's).
 */
int inode_file_create(struct inode *inode, unsigned flags, const char *path, struct file **opened);

/*
 * Let a file end elsewhere, for everybody: pages behind its new end disappear from all spaces that have mapped
 * them, and who touches one asks its backend.  Returns 0 or an error, as inode_resize() (page_cache.h).
 */
int inode_truncate(struct inode *inode, uint64_t size);

#endif
