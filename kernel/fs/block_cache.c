/*
 * block_cache.c: a fixed number of blocks, found by searching, given up by when they were last used.
 *
 * Blocks that were changed form a list in the order of the changes, and are only ever written from its head on.
 * A block that is changed again is to come last: if it does not, its earlier changes are written first, with all
 * that came before.  No more than half of the blocks are to be written at any time, so that a disk which
 * cannot be written can be read on.
 */
#include "block_cache.h"

#include <stdbool.h>

#include "errno.h"
#include "kmalloc.h"
#include "panic.h"
#include "string.h"

#define NO_SECTOR UINT64_MAX

struct block_cache {
    struct block_device *device;
    uint64_t mirrored, mirrored_count; /* sectors that are written more than once */
    unsigned copies;
    struct list used, dirty;
    size_t count, dirty_count;
    struct block blocks[];
};

struct block_cache *block_cache_create(struct block_device *device, size_t bytes)
{
    struct block_cache *cache = kmalloc(bytes);
    if (!cache)
        return NULL;
    cache->device = device;
    cache->count = (bytes - sizeof(*cache)) / sizeof(cache->blocks[0]);
    list_init(&cache->used);
    list_init(&cache->dirty);
    for (size_t i = 0; i < cache->count; i++) {
        struct block *block = &cache->blocks[i];
        block->sector = NO_SECTOR;
        list_append(&cache->used, &block->used);
        list_init(&block->dirty);
    }
    return cache;
}

void block_cache_destroy(struct block_cache *cache)
{
    kfree(cache);
}

void block_cache_mirror(struct block_cache *cache, uint64_t first, uint64_t count, unsigned copies)
{
    cache->mirrored = first;
    cache->mirrored_count = count;
    cache->copies = copies;
}

static bool is_dirty(const struct block *block)
{
    return !list_empty(&block->dirty);
}

static int transfer(struct block_cache *cache, bool write, uint64_t sector, struct block *block)
{
    struct block_segment segment = {.memory = block->bytes, .size = SECTOR_SIZE};
    return cache->device->transfer(cache->device, write, sector, &segment, 1) ? -EIO : 0;
}

/* Write the block at the head of the list of dirty ones. */
static int write_first(struct block_cache *cache)
{
    struct block *block = container_of(cache->dirty.next, struct block, dirty);
    bool mirrored = block->sector - cache->mirrored < cache->mirrored_count;
    for (unsigned copy = 0; copy < (mirrored ? cache->copies : 1); copy++) {
        int error = transfer(cache, true, block->sector + copy * cache->mirrored_count, block);
        if (error)
            return error;
    }
    list_remove(&block->dirty);
    cache->dirty_count--;
    return 0;
}

int block_cache_write_back(struct block_cache *cache)
{
    while (!list_empty(&cache->dirty)) {
        int error = write_first(cache);
        if (error)
            return error;
    }
    return 0;
}

int block_cache_flush(struct block_cache *cache)
{
    int error = block_cache_write_back(cache);
    return error ? error : cache->device->flush(cache->device) ? -EIO : 0;
}

int block_change(struct block_cache *cache, struct block *block)
{
    if (!is_dirty(block) && cache->dirty_count >= cache->count / 2) {
        int error = block_cache_write_back(cache);
        if (error)
            return error;
    }
    while (is_dirty(block) && cache->dirty.prev != &block->dirty) {
        int error = write_first(cache);
        if (error)
            return error;
    }
    if (!is_dirty(block)) {
        list_append(&cache->dirty, &block->dirty);
        cache->dirty_count++;
    }
    return 0;
}

/* The block of a sector if it is there, and else one that may become it, whose sector is NO_SECTOR; pinned. */
static struct block *find(struct block_cache *cache, uint64_t sector)
{
    struct block *found = NULL;
    for (struct list *node = cache->used.prev; node != &cache->used; node = node->prev) {
        struct block *block = container_of(node, struct block, used);
        bool wanted = block->sector == sector;
        if (wanted || (block->pins == 0 && !is_dirty(block)))
            found = block;
        if (wanted)
            break;
    }
    assert(found); /* who pins half of all blocks has forgotten block_put() */
    if (found->sector != sector)
        found->sector = NO_SECTOR;
    list_remove(&found->used);
    list_append(&cache->used, &found->used);
    found->pins++;
    return found;
}

int block_get(struct block_cache *cache, uint64_t sector, struct block **block)
{
    struct block *found = find(cache, sector);
    *block = found;
    if (found->sector == sector)
        return 0;
    int error = transfer(cache, false, sector, found);
    if (error) {
        block_put(found);
        *block = NULL;
        return error;
    }
    found->sector = sector;
    return 0;
}

int block_get_zeroed(struct block_cache *cache, uint64_t sector, struct block **block)
{
    struct block *found = find(cache, sector);
    int error = block_change(cache, found);
    *block = error ? NULL : found;
    if (error) {
        block_put(found);
        return error;
    }
    memset(found->bytes, 0, sizeof(found->bytes));
    found->sector = sector;
    return 0;
}

void block_put(struct block *block)
{
    if (block)
        block->pins--;
}
