/*
 * block_cache.h: sectors of a disk that a file system reads and changes piecemeal, kept in memory.
 *
 * What was changed reaches the disk later, and in the order of the changes: at every moment the disk shows what
 * the memory showed at some moment before.  So who makes changes in a good order need not fear for the disk when
 * the power fails.  (A device may still hold back what it was given, until block_cache_flush().)
 *
 * Nothing here locks: the caller sees to it that there is one task at a time.  All functions but block_put() may
 * sleep.
 */
#ifndef BLOCK_CACHE_H
#define BLOCK_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "block.h"
#include "list.h"

struct block_cache;

/* A sector in memory.  Look at its bytes between block_get() and block_put(); change them after block_change(). */
struct block {
    struct list used;  /* in the list of all: who was used longest ago comes first */
    struct list dirty; /* in the list of those to be written, in that order; or alone */
    uint64_t sector;
    unsigned pins; /* by how many it is in use */
    uint8_t bytes[SECTOR_SIZE];
};

/* A cache that takes up so many bytes of kmalloc's memory in all, at least 8 KiB.  NULL when there are none. */
struct block_cache *block_cache_create(struct block_device *device, size_t bytes);

/* Free it; what was changed and is not on the disk is lost. */
void block_cache_destroy(struct block_cache *cache);

/*
 * Have whatever is written to sectors [first, first + count) written `copies` times: that is, also to as many
 * sectors behind them, and so on.  They are read from the first copy.
 */
void block_cache_mirror(struct block_cache *cache, uint64_t first, uint64_t count, unsigned copies);

/* Find a sector, or read it.  *block stays until block_put().  Returns 0 or -EIO, then *block is NULL. */
int block_get(struct block_cache *cache, uint64_t sector, struct block **block);

/* As block_get() and block_change(), for a sector that is to be all zeros: what it has is not read. */
int block_get_zeroed(struct block_cache *cache, uint64_t sector, struct block **block);

/* The caller is done with it.  NULL is allowed. */
void block_put(struct block *block);

/*
 * Announce a change: what the caller does to the bytes until the next block_change() of any block reaches the
 * disk after all changes before it.  Returns 0; or -EIO, and then the bytes must stay as they are.
 */
int block_change(struct block_cache *cache, struct block *block);

/* Write what has been changed.  0 or -EIO: what could not be written stays, with all that was to follow. */
int block_cache_write_back(struct block_cache *cache);

/* The same, and have it survive a loss of power, with whatever else was written to the device. */
int block_cache_flush(struct block_cache *cache);

#endif
