/*
 * fat_private.h: what the files of the FAT file system share.
 *
 *     fat.c             mounting; inodes: what the rest of the kernel calls
 *     fat_directory.c   paths, names and directory entries
 *     fat_table.c       the file allocation table: which clusters belong together, and which are free
 *
 *     reserved sectors | FAT | FAT, the same again | root directory (FAT16 only) | clusters 2, 3, 4, ...
 *
 * A file is a directory entry with its size and its first cluster; the FAT has an entry for each cluster, which
 * names the next one.  Source: Microsoft Extensible Firmware Initiative, FAT32 File System Specification ("FAT:
 * General Overview of On-Disk Format"), version 1.03, called "the specification" here.
 *
 * What may be on the disk when the power fails is decided by the order of writes.  In memory every change leaves
 * a file system that is in order, but for clusters that are lost; blocks reach the disk in the order of changes
 * (block_cache.h).  Pages do not pass through that cache.  Therefore the device is flushed
 *
 *   - before an entry says that a file is larger: the pages that it gains are there, and so is its chain;
 *   - after an entry says that a file is smaller, or gone: only then others may write to its clusters;
 *   - before a cluster becomes part of a directory: it holds zeros then.
 *
 * All that is here is done under fs_lock().
 */
#ifndef FAT_PRIVATE_H
#define FAT_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "block.h"
#include "block_cache.h"
#include "inode.h"

/* The one file system there is: struct file_system's functions are not told which. */
struct fat_volume {
    struct block_device *device; /* NULL: nothing is mounted */
    struct block_cache *cache;
    unsigned entry_size;   /* of the FAT: 2 or 4 bytes */
    uint32_t cluster_size; /* bytes */
    uint32_t clusters;     /* how many: the last one has the number clusters + 1 */
    uint64_t table;        /* the first sector of the FAT that counts */
    uint64_t data;         /* the first sector of cluster 2 */
    uint64_t root_sector;  /* FAT16: the root directory */
    uint32_t root_entries;
    uint32_t root_cluster; /* FAT32: its first cluster; FAT16: 0 */
    uint64_t summary; /* FAT32: the sector that says how many clusters are free; 0: none does */
    uint32_t free;    /* how many clusters are, or FAT_UNKNOWN */
    uint32_t next;    /* where to look for free ones */
    struct block *table_block; /* that of the FAT which was used last, pinned */
    unsigned damages;          /* reported so far */
};
extern struct fat_volume fat;

enum { FAT_FREE = 0, FAT_FIRST = 2 };
#define FAT_END UINT32_C(0x0fffffff) /* instead of the next cluster: there is none */
#define FAT_UNKNOWN UINT32_MAX

static inline uint16_t fat_get16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static inline uint32_t fat_get32(const uint8_t *bytes)
{
    return fat_get16(bytes) | (uint32_t)fat_get16(bytes + 2) << 16;
}

static inline void fat_put16(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

static inline void fat_put32(uint8_t *bytes, uint32_t value)
{
    fat_put16(bytes, value);
    fat_put16(bytes + 2, value >> 16);
}

/* ---- fat_table.c */

/* Report damage, unless there was so much already: what is wrong, and a number that shows where.  Returns -EIO. */
int fat_damaged(const char *what, uint64_t where);

static inline bool fat_is_cluster(uint32_t number)
{
    return number >= FAT_FIRST && number - FAT_FIRST < fat.clusters;
}

/* The first sector of a cluster. */
static inline uint64_t fat_sector(uint32_t cluster)
{
    return fat.data + (uint64_t)(cluster - FAT_FIRST) * (fat.cluster_size / SECTOR_SIZE);
}

/* *next is the cluster after this one, or FAT_END.  Returns 0 or -EIO: also when the FAT says something else. */
int fat_next(uint32_t cluster, uint32_t *next);

/* Have the cluster be followed by another, or by FAT_END; or let it be FAT_FREE.  0 or -EIO. */
int fat_set(uint32_t cluster, uint32_t next);

/*
 * See whether a file's chain of clusters is in order: there are at least `count` (1 or more), and they do not go
 * round in a circle.  There may be more, when the power failed while it grew.  *last is the one with number
 * count - 1.  Returns 0 or -EIO.
 */
int fat_check_chain(uint32_t first, uint32_t count, uint32_t *last);

/*
 * Make a chain of `count` clusters (1 or more) that belongs to nobody yet, near a cluster if that is one.
 * Returns 0, -ENOSPC or -EIO.
 */
int fat_allocate(uint32_t near, uint32_t count, uint32_t *first);

/* Free up to `count` clusters of a chain.  What cannot be freed is lost. */
void fat_free_chain(uint32_t first, uint32_t count);

/* ---- fat_directory.c */

enum { FAT_ENTRY_SIZE = 32, FAT_SECTOR_ENTRIES = SECTOR_SIZE / FAT_ENTRY_SIZE };

/* The fields of an entry: the specification's "FAT Directory Structure". */
enum {
    FAT_NAME = 0, /* 8 bytes and 3, padded with spaces */
    FAT_ATTRIBUTES = 11,
    FAT_SMALL_LETTERS = 12,
    FAT_CREATION_DATE = 16,
    FAT_ACCESS_DATE = 18,
    FAT_START_HIGH = 20, /* FAT32 only */
    FAT_WRITE_DATE = 24,
    FAT_START = 26,
    FAT_SIZE = 28,
};
enum {
    FAT_READ_ONLY = 0x01,
    FAT_VOLUME_LABEL = 0x08,
    FAT_DIRECTORY = 0x10,
    FAT_ARCHIVE = 0x20,
    FAT_LONG_NAME = 0x0f,
    FAT_LONG_NAME_MASK = 0x3f,
};

/* A place in a directory.  To be copied only while it has no block. */
struct fat_cursor {
    uint32_t start;   /* the directory's first cluster; 0: the root of FAT16 */
    uint32_t index;   /* of the entry */
    uint32_t cluster; /* cluster number `passed` of the directory, or 0: not looked up yet */
    uint32_t passed;
    struct block *block; /* the sector that was loaded, pinned, or NULL */
    uint64_t sector;     /* its number */
};

/* What a path leads to. */
struct fat_found {
    bool is_root;                  /* the rest is not set then */
    uint64_t place;                /* of the entry: sector * FAT_SECTOR_ENTRIES + number in it */
    uint8_t entry[FAT_ENTRY_SIZE]; /* as it was found */
    struct fat_cursor long_name;   /* where its long name begins, and how many entries that has; */
    unsigned long_entries;         /*   0: it has none */

    /* Of a file that is not there but could be made: */
    bool can_make;
    const char *name;       /* the last part of the path */
    struct fat_cursor room; /* the first free entry; or, with is_full, the end of the directory */
    bool is_full, is_end;   /* is_end: behind that entry there is none that counts */
};

/* Follow a path, as struct file_system's lookup() has it.  0, -ENOENT (see can_make), -ENAMETOOLONG, -ENOTDIR, -EIO. */
int fat_walk(const char *path, struct fat_found *found);

/* The first cluster that an entry tells of: any number. */
uint32_t fat_entry_start(const uint8_t entry[FAT_ENTRY_SIZE]);

/* Let it tell of another. */
void fat_entry_set_start(uint8_t entry[FAT_ENTRY_SIZE], uint32_t start);

/*
 * Make the entry of an empty file with this name.  Returns 0 or -EINVAL: it is not of the form 8.3, or has small
 * and capital letters in the same part of it.
 */
int fat_entry_make(uint8_t entry[FAT_ENTRY_SIZE], const char *name);

/* Put found->entry where fat_walk() has found room; sets found->place.  0, -ENOSPC or -EIO. */
int fat_entry_add(struct fat_found *found);

/* Take an entry away, with its long name.  0 or -EIO: it is still there. */
int fat_entry_remove(const struct fat_found *found);

/* Write a file's first cluster and its size.  0 or -EIO. */
int fat_entry_update(uint64_t place, uint32_t start, uint32_t size);

/* What a directory has, one after the other. */
struct fat_listed {
    uint64_t place; /* as in struct fat_found */
    bool is_directory;
    char name[INODE_NAME_SIZE]; /* in UTF-8 */
};

/*
 * The first file or directory from entry *index on of the directory that begins at a cluster (0: the root of
 * FAT16), but for "." and ".."; *index is behind it then.  Returns 0, -ENOENT when there are no more, or -EIO.
 */
int fat_list(uint32_t directory, uint64_t *index, struct fat_listed *found);

/*
 * Make a directory with nothing in it, and no entry yet, below the one that begins at cluster `above`, 0 for the
 * root.  *first is its cluster.  Returns 0, -ENOSPC or -EIO.
 */
int fat_directory_make(uint32_t above, uint32_t *first);

/* ---- fat.c */

/* Is there an inode of an entry in this place, though its file may have been removed? */
bool fat_place_in_use(uint64_t place);

#endif
