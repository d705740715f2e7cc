/*
 * page_cache.c: the pages of each inode, in a tree like a page table's: three levels of frames with 512 entries,
 * the last of which have the frames of pages, and a mark of those that are not on the disk yet.
 *
 * Who changes a tree holds fs_lock(); who only looks, or marks a page, need not, for nobody else runs meanwhile.  A
 * page comes into the tree when its content is complete.  While a page is read or written somebody sleeps, and
 * holds a reference to its frame.
 */
#include "page_cache.h"

#include <stdbool.h>

#include "block.h"
#include "errno.h"
#include "frame.h"
#include "inode.h"
#include "memory.h"
#include "panic.h"
#include "string.h"
#include "wait.h"

enum { FANOUT_BITS = 9, FANOUT = 1 << FANOUT_BITS, LEVELS = 3, INDEX_BITS = LEVELS * FANOUT_BITS };
enum { SEARCH_MAX = 64 }; /* pages looked at for one to give up, as long as there is memory */
#define DIRTY 1UL

static struct list with_pages = LIST_INIT(with_pages);
static size_t nodes, pages;
static size_t pages_on_disk; /* of the pages those that can be had again */

/* The lock of all file systems: see inode.h. */
static struct sleep_lock all_file_systems;

void fs_lock(void)
{
    sleep_lock_take(&all_file_systems);
}

void fs_unlock(void)
{
    sleep_lock_release(&all_file_systems);
}

size_t page_cache_frames(void)
{
    return nodes + pages;
}

static uintptr_t entry_frame(uint64_t entry)
{
    return entry & ~DIRTY;
}

/* How many pages a file of this size has. */
static uint64_t pages_of(uint64_t size)
{
    return size / PAGE_SIZE + (size % PAGE_SIZE != 0);
}

static uintptr_t spare_frame(void);

/* A node of a tree, empty; 0 when there is no frame for it.  Under fs_lock(). */
static uintptr_t make_node(void)
{
    uintptr_t frame = spare_frame();
    if (frame == 0)
        return 0;
    nodes++;
    return (uintptr_t)memset((void *)frame, 0, PAGE_SIZE);
}

/* The entry of a page; NULL when there is no tree down to it, or, with make, no frame for one. */
static uint64_t *find_entry(struct inode *inode, uint64_t index, bool make)
{
    if (index >> INDEX_BITS)
        return NULL;
    uint64_t *place = &inode->pages;
    for (int level = LEVELS - 1; level >= 0; level--) {
        if (*place == 0) {
            if (!make || (*place = make_node()) == 0)
                return NULL;
            if (place == &inode->pages)
                list_append(&with_pages, &inode->in_memory);
        }
        place = (uint64_t *)*place + (index >> (FANOUT_BITS * level) & (FANOUT - 1));
    }
    return place;
}

/* The first page that is there from number *index on, which becomes its number.  NULL: there is none. */
static uint64_t *next_entry(struct inode *inode, uint64_t *index)
{
    while (*index >> INDEX_BITS == 0) {
        uint64_t *place = &inode->pages;
        int level = LEVELS;
        while (*place && level > 0)
            place = (uint64_t *)*place + (*index >> (FANOUT_BITS * --level) & (FANOUT - 1));
        if (*place)
            return place;
        uint64_t missing = 1UL << (FANOUT_BITS * level);
        *index = (*index | (missing - 1)) + 1;
    }
    return NULL;
}

static bool is_cached(struct inode *inode, uint64_t index)
{
    const uint64_t *entry = find_entry(inode, index, false);
    return entry && *entry;
}

/* Is it a file of a file system, and not one whose pages are nowhere else? */
static bool is_on_disk(const struct inode *inode)
{
    return inode->ops->write_pages != NULL;
}

/* Take a page out of the tree, and leave its frame to the caller. */
static uintptr_t detach(struct inode *inode, uint64_t *entry)
{
    uintptr_t frame = entry_frame(*entry);
    *entry = 0;
    inode->cached--;
    pages--;
    pages_on_disk -= is_on_disk(inode);
    return frame;
}

/* Free the tree below a node, with all pages in it. */
static void free_node(struct inode *inode, uintptr_t node, int level)
{
    uint64_t *entries = (uint64_t *)node;
    for (size_t i = 0; i < FANOUT; i++) {
        if (entries[i] == 0)
            continue;
        if (level > 0)
            free_node(inode, entries[i], level - 1);
        else
            frame_put(detach(inode, &entries[i]));
    }
    nodes--;
    frame_put(node);
}

static void free_pages(struct inode *inode)
{
    if (inode->pages == 0)
        return;
    free_node(inode, inode->pages, LEVELS - 1);
    inode->pages = 0;
    list_remove(&inode->in_memory);
}

/*
 * Write the pages from number *index on that are dirty and behind each other, and move *index on.  They are clean
 * when writing begins: who writes to one meanwhile makes it dirty again.  Under fs_lock().
 */
static int write_run(struct inode *inode, uint64_t *index)
{
    uintptr_t frames[BLOCK_SEGMENTS_MAX];
    uint64_t first = *index, end = pages_of(inode->size);
    size_t count = 0;
    for (; count < BLOCK_SEGMENTS_MAX && first + count < end; count++) {
        uint64_t *entry = find_entry(inode, first + count, false);
        if (!entry || !(*entry & DIRTY))
            break;
        frames[count] = entry_frame(*entry);
        *entry &= ~DIRTY;
        frame_get(frames[count]);
    }
    *index += count > 0 ? count : 1;
    int error = count > 0 ? inode->ops->write_pages(inode, first, frames, count) : 0;
    for (size_t i = 0; i < count; i++) {
        if (error)
            *find_entry(inode, first + i, false) |= DIRTY;
        frame_put(frames[i]);
    }
    return error;
}

/* Write all dirty pages of a file.  Under fs_lock().  Returns 0 or the first error. */
static int write_back(struct inode *inode)
{
    int error = 0;
    uint64_t index = 0;
    while (is_on_disk(inode) && next_entry(inode, &index)) {
        int result = write_run(inode, &index);
        error = error ? error : result;
    }
    return error;
}

/*
 * Take a page out that only the tree refers to, and that can be read again, after all of the file's have been
 * written if need be.  Looks at `most` pages, and goes round the file: what was used last comes last.  Returns
 * its frame, or 0.  Under fs_lock().
 */
static uintptr_t evict(struct inode *inode, size_t most)
{
    if (!is_on_disk(inode))
        return 0;
    for (size_t n = 0; n < most && n < inode->cached; n++) {
        uint64_t *entry = next_entry(inode, &inode->hand);
        if (!entry) {
            inode->hand = 0;
            entry = next_entry(inode, &inode->hand);
        }
        inode->hand++;
        const struct frame *frame = frame_of(entry_frame(*entry));
        if (frame->references == 1 && (*entry & DIRTY) && write_back(inode) != 0)
            return 0;
        /* Somebody may have mapped it meanwhile. */
        if (frame->references == 1 && !(*entry & DIRTY))
            return detach(inode, entry);
    }
    return 0;
}

/* A frame, or else that of a page of any file: its content is anything.  0 when there is none.  Under fs_lock(). */
static uintptr_t spare_frame(void)
{
    uintptr_t frame = frame_alloc();
    for (struct list *node = with_pages.next; frame == 0 && node != &with_pages; node = node->next)
        frame = evict(container_of(node, struct inode, in_memory), SIZE_MAX);
    return frame;
}

/* A frame for one more page of a file: as spare_frame(). */
static uintptr_t take_frame(struct inode *inode)
{
    bool enough = pages_on_disk >= platform.memory_size / PAGE_SIZE / 32;
    uintptr_t frame = enough ? evict(inode, SEARCH_MAX) : 0;
    return frame ? frame : spare_frame();
}

/* Put a page into the tree; its frame's reference is the tree's from now on.  Returns 0 or -ENOMEM. */
static int insert(struct inode *inode, uint64_t index, uintptr_t frame, uint64_t mark)
{
    uint64_t *entry = find_entry(inode, index, true);
    if (!entry)
        return -ENOMEM;
    assert(*entry == 0);
    *entry = frame | mark;
    inode->cached++;
    pages++;
    pages_on_disk += is_on_disk(inode);
    return 0;
}

/* Read a page that is missing, and those behind it when the one before is there.  Under fs_lock(). */
static int read_in(struct inode *inode, uint64_t index)
{
    uintptr_t frames[BLOCK_SEGMENTS_MAX];
    uint64_t end = pages_of(inode->size);
    if (index >= end || index >> INDEX_BITS)
        return -EIO;
    /* Before pages are read ahead into what memory there is. */
    if (!find_entry(inode, index, true))
        return -ENOMEM;
    size_t wanted = index == 0 || is_cached(inode, index - 1) ? BLOCK_SEGMENTS_MAX : 1, count = 0;
    while (count < wanted && index + count < end && !is_cached(inode, index + count) &&
           (frames[count] = take_frame(inode)) != 0)
        count++;
    if (count == 0)
        return -ENOMEM;
    int error;
    while ((error = inode->ops->read_pages(inode, index, frames, count)) != 0 && count > 1)
        while (count > 1) /* what nobody has asked for need not be readable */
            frame_put(frames[--count]);
    for (size_t i = 0; i < count; i++) {
        int result = error ? error : insert(inode, index + i, frames[i], 0);
        if (result)
            frame_put(frames[i]);
        if (i == 0)
            error = result;
    }
    return error;
}

/* Make a page of zeros that is not on the disk yet.  Under fs_lock().  Returns 0 or -ENOMEM. */
static int make_page(struct inode *inode, uint64_t index)
{
    uintptr_t frame = take_frame(inode);
    if (frame == 0)
        return -ENOMEM;
    memset((void *)frame, 0, PAGE_SIZE);
    int error = insert(inode, index, frame, DIRTY);
    if (error)
        frame_put(frame);
    return error;
}

/* The frame of a page that may have to be read.  Under fs_lock(). */
static int get_page(struct inode *inode, uint64_t index, uintptr_t *frame)
{
    if (!is_cached(inode, index)) {
        int error = read_in(inode, index);
        if (error)
            return error;
    }
    *frame = entry_frame(*find_entry(inode, index, false));
    frame_get(*frame);
    return 0;
}

int inode_page(struct inode *inode, uint64_t index, uintptr_t *frame)
{
    const uint64_t *entry = find_entry(inode, index, false);
    if (entry && *entry && index < pages_of(inode->size)) {
        *frame = entry_frame(*entry);
        frame_get(*frame);
        return 0;
    }
    fs_lock();
    int error = get_page(inode, index, frame);
    fs_unlock();
    return error;
}

/* Let a file shrink.  Under fs_lock(). */
static int shrink(struct inode *inode, uint64_t size)
{
    uint64_t index = pages_of(size), *entry;
    int error = inode->ops->resize(inode, size);
    if (error)
        return error;
    for (; (entry = next_entry(inode, &index)); index++)
        frame_put(detach(inode, entry));
    entry = find_entry(inode, size / PAGE_SIZE, false);
    if (size % PAGE_SIZE != 0 && entry && *entry)
        memset((char *)entry_frame(*entry) + size % PAGE_SIZE, 0, PAGE_SIZE - size % PAGE_SIZE);
    return 0;
}

/*
 * Let a file grow.  The page in which it has ended so far comes into memory: what stands behind the end, on the
 * disk or by a mapping, becomes zero.  Whole pages that are gained are made.  Under fs_lock().
 */
static int grow(struct inode *inode, uint64_t size)
{
    uint64_t old = inode->size, last = old / PAGE_SIZE, rest = old % PAGE_SIZE;
    uintptr_t frame;
    if (pages_of(size) >> INDEX_BITS)
        return -EFBIG;
    int error = rest > 0 ? get_page(inode, last, &frame) : 0;
    if (error)
        return error;
    error = inode->ops->resize(inode, size);
    if (rest > 0) {
        if (!error) {
            memset((char *)frame + rest, 0, PAGE_SIZE - rest);
            *find_entry(inode, last, false) |= DIRTY;
        }
        frame_put(frame);
    }
    if (error || !is_on_disk(inode))
        return error; /* in memory alone a page that is missing is zero */
    for (uint64_t index = pages_of(old); !error && index < pages_of(size); index++)
        error = make_page(inode, index);
    if (error)
        shrink(inode, old);
    return error;
}

int inode_resize(struct inode *inode, uint64_t size)
{
    fs_lock();
    int error = size > inode->size   ? grow(inode, size)
                : size < inode->size ? shrink(inode, size)
                                     : 0;
    fs_unlock();
    return error;
}

/* The entry of a page whose own bytes these are, in their place in the file; or NULL. */
static uint64_t *own_entry(struct inode *inode, const void *buffer, size_t size, uint64_t offset)
{
    if (offset >= inode->size || size > inode->size - offset)
        return NULL;
    uint64_t *entry = find_entry(inode, offset / PAGE_SIZE, false);
    bool own = entry && entry_frame(*entry) + offset % PAGE_SIZE == (uintptr_t)buffer;
    return own && size <= PAGE_SIZE - offset % PAGE_SIZE ? entry : NULL;
}

/* Write into pages that the file has, all of them.  Returns 0 or an error; *done counts.  Under fs_lock(). */
static int copy_in(struct inode *inode, const char *from, size_t size, uint64_t offset,
                   size_t *done)
{
    while (*done < size) {
        uint64_t at = offset + *done;
        uintptr_t frame;
        size_t n = PAGE_SIZE - at % PAGE_SIZE;
        n = n < size - *done ? n : size - *done;
        int error = get_page(inode, at / PAGE_SIZE, &frame);
        if (error)
            return error;
        memmove((char *)frame + at % PAGE_SIZE, from + *done, n);
        *find_entry(inode, at / PAGE_SIZE, false) |= DIRTY;
        frame_put(frame);
        *done += n;
    }
    return 0;
}

/* Write a part of what a call has to write: all of it, or as much as *done says, and an error.  Under fs_lock(). */
static int write_part(struct inode *inode, const char *from, size_t size, uint64_t offset,
                      size_t *done)
{
    uint64_t old = inode->size, end;
    *done = 0;
    int error = __builtin_add_overflow(offset, size, &end) ? -EFBIG : 0;
    if (!error && end > old)
        error = grow(inode, end);
    if (!error)
        error = copy_in(inode, from, size, offset, done);
    /* It has become longer for bytes that have not come. */
    if (error && inode->size > old)
        shrink(inode, offset + *done > old ? offset + *done : old);
    return error;
}

long inode_write(struct inode *inode, const void *buffer, size_t size, uint64_t offset)
{
    const char *from = buffer;
    if (size == 0)
        return 0;
    uint64_t *own = own_entry(inode, buffer, size, offset);
    if (own) {
        *own |= DIRTY;
        return (long)size;
    }
    fs_lock();
    offset = offset == INODE_END ? inode->size : offset;
    size_t done, n;
    int error = write_part(inode, from, size, offset, &done);
    /* There may be room for some of it: the rest of a cluster, some pages. */
    bool is_full = error == -ENOSPC || error == -ENOMEM;
    for (error = is_full ? 0 : error; is_full && !error && done < size; done += n) {
        size_t rest = SECTOR_SIZE - (offset + done) % SECTOR_SIZE;
        rest = rest < size - done ? rest : size - done;
        error = write_part(inode, from + done, rest, offset + done, &n);
    }
    fs_unlock();
    return done > 0 ? (long)done : error;
}

/* The pages first: without them its size would tell of what others have left on the disk.  Under fs_lock(). */
static int sync_one(struct inode *inode)
{
    int error = write_back(inode);
    return !error && inode->ops->sync ? inode->ops->sync(inode) : error;
}

int inode_sync(struct inode *inode)
{
    fs_lock();
    int error = sync_one(inode);
    if (!error && disk && is_on_disk(inode))
        error = disk->flush(disk);
    fs_unlock();
    return error;
}

int inodes_sync(void)
{
    int error = 0;
    for (struct list *node = with_pages.next; node != &with_pages; node = node->next) {
        int result = sync_one(container_of(node, struct inode, in_memory));
        error = error ? error : result;
    }
    return error;
}

void inode_put(struct inode *inode)
{
    if (!inode)
        return;
    if (inode->references > 1) {
        inode->references--;
        return;
    }
    fs_lock();
    /* Somebody may have found it again while we waited for the lock. */
    if (inode->references == 1)
        sync_one(inode);
    if (--inode->references == 0) {
        free_pages(inode);
        inode->ops->release(inode);
    }
    fs_unlock();
}
