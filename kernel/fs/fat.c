/* fat.c: mounting a FAT file system, and its inodes.  Where to begin reading: fat_private.h. */
#include "fat.h"

#include "errno.h"
#include "fat_private.h"
#include "inode.h"
#include "kmalloc.h"
#include "list.h"
#include "memory.h"
#include "print.h"
#include "string.h"

enum {
    CACHE_SIZE = 64 << 10, /* bytes */
    ROOT_NUMBER = 1,       /* the root's inode; all others have the number of their entry's place */
    DEVICE_NUMBER = 254 << 8, /* st_dev of Linux's first virtio disk, /dev/vda */

    /* The specification's "BIOS Parameter Block": where it has what. */
    BPB_SECTOR_SIZE = 11,
    BPB_CLUSTER_SECTORS = 13,
    BPB_RESERVED = 14,
    BPB_COPIES = 16,
    BPB_ROOT_ENTRIES = 17,
    BPB_SECTORS_16 = 19,
    BPB_TABLE_SECTORS_16 = 22,
    BPB_SECTORS_32 = 32,
    BPB_TABLE_SECTORS_32 = 36, /* from here on: FAT32 only */
    BPB_FLAGS = 40,
    BPB_VERSION = 42,
    BPB_ROOT_CLUSTER = 44,
    BPB_SUMMARY = 48,
    BPB_SIGNATURE = 510,
    SIGNATURE = 0xaa55,
    FLAGS_ONE_COPY = 0x80, /* only this copy of the FAT counts: */
    FLAGS_COPY = 0x0f,

    CLUSTER_SECTORS_MAX = 64,
    CLUSTERS_MIN_16 = 4085, /* with fewer it is FAT12, with more than the next FAT32 */
    CLUSTERS_MAX_16 = 65524,
    CLUSTERS_MAX_32 = 0x0ffffff5,
};

/* The specification's "FSInfo": a sector with three signatures. */
enum { SUMMARY_SIGNATURE_1 = 0, SUMMARY_SIGNATURE_2 = 484, SUMMARY_SIGNATURE_3 = 508 };

struct fat_inode {
    struct inode inode;
    struct list link; /* in `inodes` */
    uint32_t start;   /* the first cluster; 0 for a file without any */
    uint64_t stored;  /* the size that its entry says: never more than the clusters have */

    /* Where it was read or written last: cluster number `position`; 0 for none. */
    uint32_t position, position_cluster;

    bool is_removed; /* it has no entry */
    bool is_lost;    /* the disk may not know that yet: its clusters are not to be used again */
};

/* All that somebody has a reference to, and those that are being released. */
static struct list inodes = LIST_INIT(inodes);

static struct fat_inode *fat_inode(struct inode *inode)
{
    return container_of(inode, struct fat_inode, inode);
}

/* ---- content */

/* How many clusters a file of this size has. */
static uint32_t clusters_of(uint64_t size)
{
    return (uint32_t)((size + fat.cluster_size - 1) / fat.cluster_size);
}

/* Which cluster has number index of the file's, which are more than that.  0 or -EIO. */
static int cluster_at(struct fat_inode *file, uint32_t index, uint32_t *cluster)
{
    if (file->position_cluster == 0 || index < file->position) {
        file->position = 0;
        file->position_cluster = file->start;
    }
    while (file->position < index) {
        uint32_t next;
        int error = fat_next(file->position_cluster, &next);
        if (error)
            return error;
        /* The chain was long enough when the file was opened: some other's clusters are in it, too. */
        if (next == FAT_END)
            return fat_damaged("clusters are gone: the file that begins at cluster", file->start);
        file->position++;
        file->position_cluster = next;
    }
    *cluster = file->position_cluster;
    return 0;
}

/* Consecutive sectors, and the pieces of memory that they go to or come from: one for each page at most. */
struct run {
    uint64_t sector, end;
    size_t count;
    struct block_segment segments[BLOCK_SEGMENTS_MAX];
};

static void run_begin(struct run *run, uint64_t sector)
{
    run->sector = run->end = sector;
    run->count = 0;
}

/* Let the run go on with the sectors that follow. */
static void run_add(struct run *run, uint8_t *memory, size_t size)
{
    struct block_segment *last = run->count > 0 ? &run->segments[run->count - 1] : NULL;
    if (last && (uint8_t *)last->memory + last->size == memory)
        last->size += size;
    else
        run->segments[run->count++] = (struct block_segment){.memory = memory, .size = size};
    run->end += size / SECTOR_SIZE;
}

static int run_transfer(const struct run *run, bool write)
{
    if (run->count == 0)
        return 0;
    int error = fat.device->transfer(fat.device, write, run->sector, run->segments, run->count);
    return error ? -EIO : 0;
}

/* Read or write those sectors of pages that hold bytes of the file. */
static int transfer_pages(struct inode *inode, uint64_t index, const uintptr_t frames[],
                          size_t count, bool write)
{
    struct run run;
    uint64_t first = index * PAGE_SIZE, end = first + count * PAGE_SIZE;
    uint64_t size = (inode->size + SECTOR_SIZE - 1) & ~(uint64_t)(SECTOR_SIZE - 1);
    end = end < size ? end : size;
    run_begin(&run, 0);
    for (uint64_t at = first; at < end;) {
        uint32_t cluster, offset = at % fat.cluster_size;
        int error = cluster_at(fat_inode(inode), (uint32_t)(at / fat.cluster_size), &cluster);
        if (error)
            return error;
        uint64_t sector = fat_sector(cluster) + offset / SECTOR_SIZE;
        if (sector != run.end) {
            error = run_transfer(&run, write);
            if (error)
                return error;
            run_begin(&run, sector);
        }
        uint64_t piece = PAGE_SIZE - at % PAGE_SIZE;
        piece = piece < fat.cluster_size - offset ? piece : fat.cluster_size - offset;
        piece = piece < end - at ? piece : end - at;
        uint8_t *page = (uint8_t *)frames[(at - first) / PAGE_SIZE];
        run_add(&run, page + at % PAGE_SIZE, piece);
        at += piece;
    }
    return run_transfer(&run, write);
}

static int read_pages(struct inode *inode, uint64_t index, const uintptr_t frames[], size_t count)
{
    int error = transfer_pages(inode, index, frames, count, false);
    for (size_t i = 0; !error && i < count; i++) {
        uint64_t start = (index + i) * PAGE_SIZE;
        size_t used = start >= inode->size               ? 0
                      : inode->size - start >= PAGE_SIZE ? (size_t)PAGE_SIZE
                                                         : inode->size - start;
        memset((uint8_t *)frames[i] + used, 0, PAGE_SIZE - used);
    }
    return error;
}

static int write_pages(struct inode *inode, uint64_t index, const uintptr_t frames[], size_t count)
{
    return transfer_pages(inode, index, frames, count, true);
}

/* ---- size */

/* Bring a file's entry up to date: with this size, which is not more than it has clusters for. */
static int store(struct fat_inode *file, uint64_t size)
{
    int error = fat_entry_update(file->inode.number, size > 0 ? file->start : 0, (uint32_t)size);
    if (!error)
        file->stored = size;
    return error;
}

static int grow(struct fat_inode *file, uint64_t size)
{
    uint32_t had = clusters_of(file->inode.size), needed = clusters_of(size);
    uint32_t first, last = 0;
    if (needed > had) {
        int error = had > 0 ? cluster_at(file, had - 1, &last) : 0;
        if (!error)
            error = fat_allocate(last + 1, needed - had, &first);
        if (error)
            return error;
        if (had == 0)
            file->start = first;
        else if ((error = fat_set(last, first)) != 0) {
            fat_free_chain(first, needed - had);
            return error;
        }
    }
    file->inode.size = size;
    return 0;
}

static int shrink(struct fat_inode *file, uint64_t size)
{
    uint32_t had = clusters_of(file->inode.size), needed = clusters_of(size);
    uint32_t last = 0, rest = file->start;
    int error = 0;
    if (needed < had && needed > 0) {
        error = cluster_at(file, needed - 1, &last);
        if (!error)
            error = fat_next(last, &rest);
    }
    /* The entry is told first, unless it has not yet heard of anything that is lost. */
    if (!error && size < file->stored && !file->is_removed) {
        error = store(file, size);
        if (!error)
            error = block_cache_flush(fat.cache);
    }
    if (error)
        return error;
    file->inode.size = size;
    if (needed == 0)
        file->start = file->position_cluster = 0;
    if (needed < had && !file->is_lost && (last == 0 || fat_set(last, FAT_END) == 0))
        fat_free_chain(rest, had - needed);
    return 0;
}

static int resize(struct inode *inode, uint64_t size)
{
    if (inode->read_only)
        return -EROFS;
    if (size > UINT32_MAX)
        return -EFBIG;
    return size > inode->size ? grow(fat_inode(inode), size) : shrink(fat_inode(inode), size);
}

static int sync_inode(struct inode *inode)
{
    struct fat_inode *file = fat_inode(inode);
    if (file->stored != inode->size && !file->is_removed) {
        int error = block_cache_flush(fat.cache);
        if (!error)
            error = store(file, inode->size);
        if (error)
            return error;
    }
    return block_cache_write_back(fat.cache);
}

static void release(struct inode *inode)
{
    struct fat_inode *file = fat_inode(inode);
    list_remove(&file->link);
    if (file->is_removed && !file->is_lost)
        fat_free_chain(file->start,
                       inode->type == INODE_DIRECTORY ? UINT32_MAX : clusters_of(inode->size));
    kfree(file);
}

static const struct inode_ops file_ops = {
    .read_pages = read_pages,
    .write_pages = write_pages,
    .resize = resize,
    .sync = sync_inode,
    .release = release,
};

static int list(struct inode *inode, uint64_t *position, struct inode_name *name)
{
    const struct fat_inode *directory = fat_inode(inode);
    struct fat_listed found;
    if (directory->is_removed)
        return -ENOENT;
    int error = fat_list(directory->start, position, &found);
    if (error)
        return error;
    name->number = found.place;
    name->type = found.is_directory ? INODE_DIRECTORY : INODE_FILE;
    memcpy(name->text, found.name, sizeof(found.name));
    return 0;
}

/* Nobody opens a directory for writing, and it has no pages. */
static const struct inode_ops directory_ops = {.list = list, .release = release};

/* ---- inodes */

bool fat_place_in_use(uint64_t place)
{
    for (struct list *node = inodes.next; node != &inodes; node = node->next)
        if (container_of(node, struct fat_inode, link)->inode.number == place)
            return true;
    return false;
}

/* The inode of this number with one more reference, if it is in memory and has not been removed. */
static struct inode *find_inode(uint64_t number)
{
    for (struct list *node = inodes.next; node != &inodes; node = node->next) {
        struct fat_inode *file = container_of(node, struct fat_inode, link);
        if (file->inode.number == number && !file->is_removed) {
            inode_get(&file->inode);
            return &file->inode;
        }
    }
    return NULL;
}

/* An inode with a reference, of a file without content; NULL without memory. */
static struct fat_inode *make_inode(enum inode_type type)
{
    struct fat_inode *file = kmalloc(sizeof(*file));
    if (!file)
        return NULL;
    file->inode.ops = type == INODE_DIRECTORY ? &directory_ops : &file_ops;
    file->inode.references = 1;
    file->inode.type = type;
    file->inode.read_only = fat.device->read_only;
    file->inode.device = DEVICE_NUMBER;
    list_init(&file->inode.in_memory);
    list_append(&inodes, &file->link);
    return file;
}

/* The inode of what was found, with a reference.  0, -ENOMEM, or -EIO for a file that is damaged. */
static int open(const struct fat_found *found, struct inode **opened)
{
    uint64_t number = found->is_root ? ROOT_NUMBER : found->place;
    bool is_directory = found->is_root || found->entry[FAT_ATTRIBUTES] & FAT_DIRECTORY;
    uint32_t start = 0, size = 0, last = 0;
    *opened = find_inode(number);
    if (*opened)
        return 0;
    if (is_directory)
        start = found->is_root ? fat.root_cluster : fat_entry_start(found->entry);
    if (is_directory && !found->is_root && !fat_is_cluster(start))
        return fat_damaged("there is no such cluster, and a directory begins there:", start);
    if (!is_directory)
        size = fat_get32(found->entry + FAT_SIZE);
    if (size > 0) {
        start = fat_entry_start(found->entry);
        int error = fat_check_chain(start, clusters_of(size), &last);
        if (error)
            return error;
    }
    struct fat_inode *file = make_inode(is_directory ? INODE_DIRECTORY : INODE_FILE);
    if (!file)
        return -ENOMEM;
    file->inode.number = number;
    file->inode.size = file->stored = size;
    file->start = start;
    if (size > 0) {
        file->position = clusters_of(size) - 1;
        file->position_cluster = last;
    }
    if (!found->is_root && found->entry[FAT_ATTRIBUTES] & FAT_READ_ONLY)
        file->inode.read_only = true;
    *opened = &file->inode;
    return 0;
}

static int lookup(const char *path, struct inode **found_inode)
{
    struct fat_found found;
    int error = fat_walk(path, &found);
    return error ? error : open(&found, found_inode);
}

/* Find where something new with this path can be put, and make its entry, which is not there yet.  As create(). */
static int prepare(const char *path, struct fat_found *found)
{
    int error = fat_walk(path, found);
    if (!error)
        return -EEXIST;
    if (!found->can_make)
        return error;
    if (fat.device->read_only)
        return -EROFS;
    return fat_entry_make(found->entry, found->name);
}

static int create(const char *path, struct inode **made)
{
    struct fat_found found;
    int error = prepare(path, &found);
    if (error)
        return error;
    struct fat_inode *file = make_inode(INODE_FILE);
    if (!file)
        return -ENOMEM;
    error = fat_entry_add(&found);
    if (error) {
        release(&file->inode);
        return error;
    }
    file->inode.number = found.place;
    *made = &file->inode;
    return 0;
}

static int make_directory(const char *path)
{
    struct fat_found found;
    uint32_t first;
    int error = prepare(path, &found);
    if (error)
        return error;
    uint32_t above = found.room.start;
    error = fat_directory_make(above == fat.root_cluster ? 0 : above, &first);
    if (error)
        return error;
    found.entry[FAT_ATTRIBUTES] = FAT_DIRECTORY;
    fat_entry_set_start(found.entry, first);
    error = fat_entry_add(&found);
    if (error)
        fat_free_chain(first, 1);
    return error;
}

/* May a directory be removed?  0, -ENOTEMPTY or -EIO. */
static int check_empty(struct inode *inode)
{
    uint64_t position = 0;
    struct inode_name name;
    int error = list(inode, &position, &name);
    return error == -ENOENT ? 0 : error ? error : -ENOTEMPTY;
}

static int remove(const char *path, bool directory)
{
    struct fat_found found;
    struct inode *inode;
    int error = fat_walk(path, &found);
    if (error)
        return error;
    bool is_directory = found.is_root || found.entry[FAT_ATTRIBUTES] & FAT_DIRECTORY;
    if (is_directory != directory)
        return is_directory ? -EISDIR : -ENOTDIR;
    if (found.is_root)
        return -EBUSY;
    if (fat.device->read_only)
        return -EROFS;
    error = open(&found, &inode);
    if (error)
        return error;
    if (directory)
        error = check_empty(inode);
    if (!error)
        error = fat_entry_remove(&found);
    if (!error) {
        error = block_cache_flush(fat.cache);
        fat_inode(inode)->is_removed = true;
        fat_inode(inode)->is_lost = error != 0;
    }
    /* If nobody else has a reference, then it has no pages. */
    if (--inode->references == 0)
        release(inode);
    return error;
}

static int sync(void)
{
    int error = 0;
    for (struct list *node = inodes.next; node != &inodes; node = node->next) {
        struct inode *inode = &container_of(node, struct fat_inode, link)->inode;
        int result = inode->ops->sync ? inode->ops->sync(inode) : 0;
        error = error ? error : result;
    }
    int result = block_cache_write_back(fat.cache);
    return error ? error : result;
}

/* ---- mounting */

static struct file_system file_system = {
    .lookup = lookup,
    .create = create,
    .remove = remove,
    .make_directory = make_directory,
    .sync = sync,
};

/* Report why there is nothing to mount.  Returns -EINVAL. */
static int refuse(const char *why, uint64_t number)
{
    report("fat: not mounted: %s (%lu)", why, (unsigned long)number);
    return -EINVAL;
}

/*
 * Learn from the boot sector where everything is, and how many copies of the FAT there are; *table_sectors is the
 * size of each.  All that it says is checked here, and nowhere else.  0 or -EINVAL.
 */
static int read_parameters(const uint8_t *boot, uint64_t *table_sectors, unsigned *copies)
{
    unsigned cluster_sectors = boot[BPB_CLUSTER_SECTORS];
    uint32_t reserved = fat_get16(boot + BPB_RESERVED);
    bool is_32 = fat_get16(boot + BPB_TABLE_SECTORS_16) == 0;
    if (fat_get16(boot + BPB_SIGNATURE) != SIGNATURE)
        return refuse("the first sector is no boot sector", fat_get16(boot + BPB_SIGNATURE));
    if (fat_get16(boot + BPB_SECTOR_SIZE) != SECTOR_SIZE)
        return refuse("sectors are not of 512 bytes", fat_get16(boot + BPB_SECTOR_SIZE));
    if (cluster_sectors == 0 || (cluster_sectors & (cluster_sectors - 1)) != 0 ||
        cluster_sectors > CLUSTER_SECTORS_MAX)
        return refuse("it has not 1, 2, 4, ... 64 sectors in a cluster", cluster_sectors);
    *copies = boot[BPB_COPIES];
    if (reserved == 0)
        return refuse("there is no sector before the FAT", reserved);
    if (*copies == 0 || *copies > 2)
        return refuse("there is not one FAT or two", *copies);

    /* Whoever reads FAT takes one without FATSz16 for FAT32: its boot sector has other fields. */
    *table_sectors =
        is_32 ? fat_get32(boot + BPB_TABLE_SECTORS_32) : fat_get16(boot + BPB_TABLE_SECTORS_16);
    uint64_t sectors = fat_get16(boot + BPB_SECTORS_16);
    sectors = sectors ? sectors : fat_get32(boot + BPB_SECTORS_32);
    fat.root_entries = fat_get16(boot + BPB_ROOT_ENTRIES);
    if (is_32 ? fat.root_entries != 0 : fat.root_entries == 0)
        return refuse("the root directory's size is wrong", fat.root_entries);
    fat.table = reserved;
    fat.root_sector = reserved + *table_sectors * *copies;
    fat.data = fat.root_sector + (fat.root_entries + FAT_SECTOR_ENTRIES - 1) / FAT_SECTOR_ENTRIES;
    if (sectors > fat.device->sectors)
        return refuse("it has more sectors than the disk", sectors);
    if (sectors < fat.data + cluster_sectors)
        return refuse("it has fewer sectors than it needs", sectors);

    uint64_t clusters = (sectors - fat.data) / cluster_sectors;
    if (!is_32 && clusters < CLUSTERS_MIN_16)
        return refuse("it is FAT12, as it has few clusters", clusters);
    if (clusters > (is_32 ? CLUSTERS_MAX_32 : CLUSTERS_MAX_16))
        return refuse("it has too many clusters", clusters);
    fat.entry_size = is_32 ? 4 : 2;
    if (*table_sectors * SECTOR_SIZE / fat.entry_size < clusters + FAT_FIRST)
        return refuse("the FAT is too small for so many clusters", clusters);
    fat.cluster_size = cluster_sectors * SECTOR_SIZE;
    fat.clusters = (uint32_t)clusters;
    fat.next = FAT_FIRST;
    fat.free = FAT_UNKNOWN;
    if (!is_32)
        return 0;

    if (fat_get16(boot + BPB_VERSION) != 0)
        return refuse("its version is unknown", fat_get16(boot + BPB_VERSION));
    fat.root_cluster = fat_get32(boot + BPB_ROOT_CLUSTER);
    if (!fat_is_cluster(fat.root_cluster))
        return refuse("there is no cluster where the root directory begins", fat.root_cluster);
    unsigned flags = fat_get16(boot + BPB_FLAGS);
    if (flags & FLAGS_ONE_COPY) {
        if ((flags & FLAGS_COPY) >= *copies)
            return refuse("there is no such copy of the FAT", flags & FLAGS_COPY);
        fat.table += *table_sectors * (flags & FLAGS_COPY);
        *copies = 1;
    }
    fat.summary = fat_get16(boot + BPB_SUMMARY);
    if (fat.summary >= reserved)
        fat.summary = 0;
    return 0;
}

/* Leave a sector alone that is not the summary it is said to be.  0 or -EIO. */
static int check_summary(void)
{
    struct block *block;
    if (fat.summary == 0)
        return 0;
    int error = block_get(fat.cache, fat.summary, &block);
    if (error)
        return error;
    if (memcmp(block->bytes + SUMMARY_SIGNATURE_1, "RRaA", 4) != 0 ||
        memcmp(block->bytes + SUMMARY_SIGNATURE_2, "rrAa", 4) != 0 ||
        memcmp(block->bytes + SUMMARY_SIGNATURE_3, "\0\0\x55\xaa", 4) != 0)
        fat.summary = 0;
    block_put(block);
    return 0;
}

int fat_mount(struct block_device *device, const char *path)
{
    if (fat.device) {
        report("fat: not mounted: %s: one is mounted, and there cannot be more", path);
        return -EBUSY;
    }
    struct block_cache *cache = block_cache_create(device, CACHE_SIZE);
    if (!cache) {
        report("fat: not mounted: no memory");
        return -ENOMEM;
    }
    fat = (struct fat_volume){.device = device, .cache = cache};
    struct block *boot;
    uint64_t table_sectors;
    unsigned copies;
    int error = block_get(cache, 0, &boot);
    if (!error) {
        error = read_parameters(boot->bytes, &table_sectors, &copies);
        block_put(boot);
    }
    if (!error) {
        block_cache_mirror(cache, fat.table, table_sectors, copies);
        error = check_summary();
    }
    if (error) {
        if (error == -EIO)
            report("fat: not mounted: the disk cannot be read");
        block_cache_destroy(cache);
        fat.device = NULL;
        return error;
    }
    file_system.name = fat.entry_size == 4 ? "fat32" : "fat16";
    mount(path, &file_system);
    return 0;
}
