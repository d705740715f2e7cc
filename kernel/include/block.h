/*
 * block.h: disks: whole sectors between a device and memory.
 */
#ifndef BLOCK_H
#define BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SECTOR_SIZE = 512, BLOCK_SEGMENTS_MAX = 32 };

/* A piece of memory that sectors are read to or written from. */
struct block_segment {
    void *memory; /* physical address: the kernel's own, or a frame; not a kernel stack of lab 3 */
    size_t size;  /* bytes, a multiple of SECTOR_SIZE */
};

struct block_device {
    const char *name;
    uint64_t sectors; /* how many it has */
    bool read_only;

    /*
     * Read consecutive sectors from this one on into all segments, in their order, or write them; until that
     * is done the current task sleeps, and does not hear that it is dying: what has begun is finished.
     *
     * count: 1 to BLOCK_SEGMENTS_MAX.  Returns 0; -EIO when the device says that it failed, or some of the
     * range is beyond its end; -EROFS for writing what is read-only.
     */
    int (*transfer)(struct block_device *device, bool write, uint64_t sector,
                    const struct block_segment segments[], size_t count);

    /* Have all that was written survive a loss of power.  Returns 0 or -EIO.  It sleeps, too. */
    int (*flush)(struct block_device *device);
};

/* The machine's disk; NULL when there is none.  Known from INITCALLs of level 5 on. */
extern struct block_device *disk;

#endif
