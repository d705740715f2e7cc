/* fat_table.c: the file allocation table: chains of clusters. */
#include "errno.h"
#include "fat_private.h"
#include "print.h"

/* The specification's "FAT Data Structure". */
#define END_MIN_16 0xfff8u
#define END_MIN_32 0x0ffffff8u
#define VALUE_32 0x0fffffffu /* the bits above are to be kept */

enum { SUMMARY_FREE = 488, DAMAGES_MAX = 8 };

struct fat_volume fat;

int fat_damaged(const char *what, uint64_t where)
{
    if (fat.damages < DAMAGES_MAX)
        report("fat: damaged: %s %lu%s", what, (unsigned long)where,
               ++fat.damages < DAMAGES_MAX ? "" : "; no more of this is reported");
    return -EIO;
}

/* Have the FAT's entry of a cluster in memory, in fat.table_block. */
static int load(uint32_t cluster, uint8_t **entry)
{
    uint64_t offset = (uint64_t)cluster * fat.entry_size;
    uint64_t sector = fat.table + offset / SECTOR_SIZE;
    if (!fat.table_block || fat.table_block->sector != sector) {
        block_put(fat.table_block);
        int error = block_get(fat.cache, sector, &fat.table_block);
        if (error)
            return error;
    }
    *entry = fat.table_block->bytes + offset % SECTOR_SIZE;
    return 0;
}

/* What the FAT says of a cluster: any number, with FAT_END for all that mean it. */
static int get(uint32_t cluster, uint32_t *value)
{
    uint8_t *entry;
    int error = load(cluster, &entry);
    if (error)
        return error;
    if (fat.entry_size == 2)
        *value = fat_get16(entry) >= END_MIN_16 ? FAT_END : fat_get16(entry);
    else
        *value =
            (fat_get32(entry) & VALUE_32) >= END_MIN_32 ? FAT_END : fat_get32(entry) & VALUE_32;
    return 0;
}

int fat_next(uint32_t cluster, uint32_t *next)
{
    int error = get(cluster, next);
    if (!error && *next != FAT_END && !fat_is_cluster(*next))
        return fat_damaged("what the FAT says is next is no cluster: after cluster", cluster);
    return error;
}

/*
 * Before the first cluster is taken or freed: that many are free (the specification's FSInfo) is not true any
 * more, and would not be at every moment, did we keep it up to date.  To be unknown is a value of its own.
 */
static int forget_summary(void)
{
    struct block *block;
    if (fat.summary == 0)
        return 0;
    int error = block_get(fat.cache, fat.summary, &block);
    if (error)
        return error;
    error = block_change(fat.cache, block);
    if (!error) {
        fat_put32(block->bytes + SUMMARY_FREE, FAT_UNKNOWN);
        fat.summary = 0;
    }
    block_put(block);
    return error;
}

int fat_set(uint32_t cluster, uint32_t next)
{
    uint32_t old;
    uint8_t *entry;
    int error = get(cluster, &old);
    if (!error && (old == FAT_FREE) != (next == FAT_FREE))
        error = forget_summary();
    if (!error)
        error = load(cluster, &entry);
    if (!error)
        error = block_change(fat.cache, fat.table_block);
    if (error)
        return error;
    if (fat.entry_size == 2)
        fat_put16(entry, next);
    else
        fat_put32(entry, (fat_get32(entry) & ~VALUE_32) | next);
    if (fat.free != FAT_UNKNOWN)
        fat.free += (next == FAT_FREE) - (old == FAT_FREE);
    return 0;
}

int fat_check_chain(uint32_t first, uint32_t count, uint32_t *last)
{
    if (!fat_is_cluster(first))
        return fat_damaged("there is no such cluster, and a file begins there:", first);
    /* Who walks in a circle meets the cluster where he was after 1, 2, 4, 8, ... steps (R. P. Brent). */
    uint32_t cluster = first, met = first, next;
    for (uint64_t n = 1;; n++, cluster = next) {
        if (n == count)
            *last = cluster;
        int error = get(cluster, &next);
        if (error)
            return error;
        if (n >= count && !fat_is_cluster(next))
            return 0;
        if (!fat_is_cluster(next))
            return fat_damaged("too few clusters for its size: the file that begins at cluster",
                               first);
        if (next == met)
            return fat_damaged("a circle of clusters: the file that begins at cluster", first);
        if ((n & (n - 1)) == 0)
            met = next;
    }
}

static int count_free(void)
{
    uint32_t count = 0;
    if (fat.free != FAT_UNKNOWN)
        return 0;
    for (uint32_t i = 0; i < fat.clusters; i++) {
        uint32_t value;
        int error = get(FAT_FIRST + i, &value);
        if (error)
            return error;
        count += value == FAT_FREE;
    }
    fat.free = count;
    return 0;
}

int fat_allocate(uint32_t near, uint32_t count, uint32_t *first)
{
    int error = count_free();
    if (error)
        return error;
    if (count > fat.free)
        return -ENOSPC;
    uint32_t at = fat_is_cluster(near) ? near : fat.next, last = 0, made = 0;
    for (uint32_t seen = 0; !error && made < count && seen < fat.clusters; seen++, at++) {
        uint32_t value;
        at = fat_is_cluster(at) ? at : (uint32_t)FAT_FIRST;
        error = get(at, &value);
        if (error || value != FAT_FREE)
            continue;
        error = fat_set(at, FAT_END);
        if (!error && made > 0)
            error = fat_set(last, at);
        if (error)
            break;
        *first = made++ == 0 ? at : *first;
        last = at;
    }
    if (!error && made < count)
        error = -ENOSPC;
    if (error && made > 0)
        fat_free_chain(*first, made);
    fat.next = at;
    return error;
}

void fat_free_chain(uint32_t first, uint32_t count)
{
    uint32_t cluster = first, next;
    for (; count > 0 && fat_is_cluster(cluster); count--, cluster = next) {
        if (get(cluster, &next) || next == FAT_FREE || fat_set(cluster, FAT_FREE))
            return;
    }
}
