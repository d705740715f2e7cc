/*
 * page_cache.c: the pages of each inode, in a tree like a page table's: three levels of frames with 512 entries,
 * the last of which have the frames of pages, and a mark of those that are not on the disk yet.
 *
 * Who changes a tree holds fs_lock(); who only looks need not, for nobody else runs meanwhile.  A page comes into
 * the tree when its content is complete.  While a page is read or written somebody sleeps, and holds a reference
 * to its frame.
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
#define DIRTY 1UL

static struct list with_pages = LIST_INIT(with_pages);
static size_t pages_cached, nodes;

/* The lock of all file systems: see inode.h. */
static bool locked;
static struct wait_queue unlocked = WAIT_QUEUE_INIT(unlocked);

void fs_lock(void)
{
    while (locked)
        wait_uninterruptible(&unlocked);
    locked = true;
}

void fs_unlock(void)
{
    assert(locked);
    locked = false;
    wake_all(&unlocked);
}

size_t page_cache_frames(void)
{
    return pages_cached + nodes;
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

/* The entry of a page; NULL when there is no tree down to it, or, with make, no frame for one. */
static uint64_t *find_entry(struct inode *inode, uint64_t index, bool make)
{
    if (index >> INDEX_BITS)
        return NULL;
    uint64_t *place = &inode->pages;
    for (int level = LEVELS - 1; level >= 0; level--) {
        if (*place == 0) {
            if (!make || (*place = frame_alloc()) == 0)
                return NULL;
            if (nodes++, place == &inode->pages)
                list_append(&with_pages, &inode->in_memory);
        }
        place = (uint64_t *)*place + (index >> (FANOUT_BITS * level) & (FANOUT - 1));
    }
    return place;
}

static bool is_cached(struct inode *inode, uint64_t index)
{
    const uint64_t *entry = find_entry(inode, index, false);
    return entry && *entry;
}

/* Take a page out of the tree, and leave its frame to the caller. */
static uintptr_t detach(struct inode *inode, uint64_t *entry)
{
    uintptr_t frame = entry_frame(*entry);
    *entry = 0;
    inode->cached--;
    pages_cached--;
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
 * Take a page out that only the tree refers to, and that can be read again.  Returns its frame, or 0 when there
 * is none.  The search goes round the file: what was used last comes last.
 */
static uintptr_t evict(struct inode *inode)
{
    uint64_t count = pages_of(inode->size);
    if (inode->cached == 0)
        return 0;
    for (uint64_t n = 0; n < count; n++) {
        if (inode->hand >= count)
            inode->hand = 0;
        uint64_t *entry = find_entry(inode, inode->hand++, false);
        if (entry && *entry && !(*entry & DIRTY) && frame_of(entry_frame(*entry))->references == 1)
            return detach(inode, entry);
    }
    return 0;
}

/*
 * Write `count` pages that are dirty, one behind the other.  They are clean when writing begins: who writes to
 * one meanwhile makes it dirty again.  Under fs_lock().
 */
static int write_run(struct inode *inode, uint64_t index, size_t count)
{
    uintptr_t frames[BLOCK_SEGMENTS_MAX];
    for (size_t i = 0; i < count; i++) {
        uint64_t *entry = find_entry(inode, index + i, false);
        frames[i] = entry_frame(*entry);
        *entry &= ~DIRTY;
        frame_get(frames[i]);
    }
    int error = inode->ops->write_pages(inode, index, frames, count);
    for (size_t i = 0; i < count; i++) {
        uint64_t *entry = find_entry(inode, index + i, false);
        if (error && entry && *entry)
            *entry |= DIRTY;
        frame_put(frames[i]);
    }
    return error;
}

/* Write all dirty pages of a file that is on a disk.  Under fs_lock().  Returns 0 or the first error. */
static int write_back(struct inode *inode)
{
    if (inode->pages == 0 || !inode->ops->write_pages)
        return 0;
    int error = 0;
    uint64_t count = pages_of(inode->size), run = 0;
    for (uint64_t index = 0; index <= count; index++) {
        const uint64_t *entry = index < count ? find_entry(inode, index, false) : NULL;
        if (entry && (*entry & DIRTY) && ++run < BLOCK_SEGMENTS_MAX)
            continue;
        bool full = run == BLOCK_SEGMENTS_MAX;
        int result = run > 0 ? write_run(inode, index + full - run, run) : 0;
        error = error ? error : result;
        run = 0;
    }
    return error;
}

/* A frame for one more page: its content is anything.  0 when there is none.  Under fs_lock(). */
static uintptr_t take_frame(struct inode *inode)
{
    uintptr_t frame = 0;
    if (pages_cached >= platform.memory_size / PAGE_SIZE / 32) {
        frame = evict(inode);
        if (frame == 0 && write_back(inode) == 0)
            frame = evict(inode);
    }
    if (frame == 0)
        frame = frame_alloc();
    for (struct list *node = with_pages.next; frame == 0 && node != &with_pages; node = node->next)
        frame = evict(container_of(node, struct inode, in_memory));
    return frame;
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
    pages_cached++;
    return 0;
}

/* Read a page that is missing, and those behind it when the one before is there.  Under fs_lock(). */
static int read_in(struct inode *inode, uint64_t index)
{
    uintptr_t frames[BLOCK_SEGMENTS_MAX];
    uint64_t end = pages_of(inode->size);
    if (index >= end || index >> INDEX_BITS)
        return -EIO;
    size_t wanted = index == 0 || is_cached(inode, index - 1) ? BLOCK_SEGMENTS_MAX : 1, count = 0;
    while (count < wanted && index + count < end && !is_cached(inode, index + count) &&
           (frames[count] = take_frame(inode)) != 0)
        count++;
    if (count == 0)
        return -ENOMEM;
    int error = inode->ops->read_pages(inode, index, frames, count);
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
    if (entry && *entry) {
        *frame = entry_frame(*entry);
        frame_get(*frame);
        return 0;
    }
    fs_lock();
    int error = get_page(inode, index, frame);
    fs_unlock();
    return error;
}

/*
 * Let a file grow.  The page in which it has ended so far comes into memory, for what the disk has behind the end
 * is not zero; whole pages that are gained are made, as zeros.  Under fs_lock().
 */
static int grow(struct inode *inode, uint64_t size)
{
    uint64_t old = inode->size, last = old / PAGE_SIZE;
    uintptr_t frame;
    int error = 0;
    if (pages_of(size) >> INDEX_BITS)
        return -EFBIG;
    if (old % PAGE_SIZE != 0 && (error = get_page(inode, last, &frame)) == 0) {
        *find_entry(inode, last, false) |= DIRTY;
        frame_put(frame);
    }
    if (!error)
        error = inode->ops->resize(inode, size);
    if (!inode->ops->write_pages)
        return error; /* in memory alone: a page that is missing is zero */
    for (uint64_t index = pages_of(old); !error && index < pages_of(size); index++)
        error = make_page(inode, index);
    if (error && inode->size != old)
        inode->ops->resize(inode, old);
    return error;
}

/* Let a file shrink.  Under fs_lock(). */
static int shrink(struct inode *inode, uint64_t size)
{
    uint64_t old = inode->size;
    int error = inode->ops->resize(inode, size);
    if (error)
        return error;
    for (uint64_t index = pages_of(size); index < pages_of(old); index++) {
        uint64_t *entry = find_entry(inode, index, false);
        if (entry && *entry)
            frame_put(detach(inode, entry));
    }
    const uint64_t *entry = find_entry(inode, size / PAGE_SIZE, false);
    if (size % PAGE_SIZE != 0 && entry && *entry)
        memset((char *)entry_frame(*entry) + size % PAGE_SIZE, 0, PAGE_SIZE - size % PAGE_SIZE);
    return 0;
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

long inode_write(struct inode *inode, const void *buffer, size_t size, uint64_t offset)
{
    uint64_t end;
    if (size == 0)
        return 0;
    if (__builtin_add_overflow(offset, size, &end))
        return -EFBIG;
    fs_lock();
    int error = end > inode->size ? grow(inode, end) : 0;
    size_t done = 0;
    while (!error && done < size) {
        uint64_t at = offset + done;
        uintptr_t frame;
        size_t n = PAGE_SIZE - at % PAGE_SIZE;
        n = n < size - done ? n : size - done;
        error = get_page(inode, at / PAGE_SIZE, &frame);
        if (error)
            break;
        char *to = (char *)frame + at % PAGE_SIZE;
        const char *from = (const char *)buffer + done;
        if (to != from)
            memcpy(to, from, n);
        *find_entry(inode, at / PAGE_SIZE, false) |= DIRTY;
        frame_put(frame);
        done += n;
    }
    fs_unlock();
    return done > 0 ? (long)done : error;
}

/* Under fs_lock(). */
static int sync_one(struct inode *inode)
{
    int error = write_back(inode);
    int result = inode->ops->sync ? inode->ops->sync(inode) : 0;
    return error ? error : result;
}

int inode_sync(struct inode *inode)
{
    fs_lock();
    int error = sync_one(inode);
    if (!error && disk && inode->ops->write_pages)
        error = disk->flush(disk);
    fs_unlock();
    return error;
}

int inodes_sync(void)
{
    int error = 0;
    fs_lock();
    for (struct list *node = with_pages.next; node != &with_pages; node = node->next) {
        int result = sync_one(container_of(node, struct inode, in_memory));
        error = error ? error : result;
    }
    if (disk) {
        int result = disk->flush(disk);
        error = error ? error : result;
    }
    fs_unlock();
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
