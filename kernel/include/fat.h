/*
 * fat.h: the FAT file system, FAT16 and FAT32, in which files can be read, written, made and removed.
 *
 * Long names are found, short ones (8.3) are made.  When the power fails, what was synced before is there, and
 * at worst clusters are lost: they are marked as used, and belong to no file, or follow the end of one.
 * A file system that is damaged is reported, and what meets the damage fails with -EIO.
 */
#ifndef FAT_H
#define FAT_H

#include "block.h"

/*
 * Mount the file system of this device at a path ("/disk"), which stays.  Once, at boot; it sleeps.
 * Returns 0; or after a report: -EINVAL when there is no file system that we can read, -EIO when the disk
 * cannot be read, -ENOMEM, -EBUSY when one is mounted.
 */
int fat_mount(struct block_device *device, const char *path);

#endif
