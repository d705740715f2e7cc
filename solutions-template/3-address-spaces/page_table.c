/*
 * Task 3.2: page tables: the tree that the MMU walks, and that you walk for it.
 */
#include "page_table.h"

#include "errno.h"
#include "frame.h"
#include "memory.h"

/*
 * The contracts of these six are in page_table.h, with a picture of addresses and entries.  The kernel
 * reaches every frame at its physical address, before paging is on and after (task 3.3 sees to
 * that): a table is an array of TABLE_ENTRIES numbers at its frame's address.
 *
 * Tables come from frame_alloc(), which may say 0 at any time: then nothing may have changed that
 * anybody can see, and a table that was taken on the way belongs to the page table all the same.
 * destroy() gives back all of them, the root too.
 *
 * Whoever changes or removes an entry of the table that is in use has to tell the CPU, which keeps
 * copies of entries: tlb_flush_page().
 */

/* TODO(3.2) */

static int create(struct page_table *table)
{
    /* TODO(3.2) */
    (void)table;
    return -ENOMEM;
}

static void destroy(struct page_table *table)
{
    /* TODO(3.2) */
    (void)table;
}

static int map(struct page_table *table, uint64_t va, uintptr_t frame, unsigned prot)
{
    /* TODO(3.2) */
    (void)table, (void)va, (void)frame, (void)prot;
    return -ENOMEM;
}

static uint64_t unmap(struct page_table *table, uint64_t va)
{
    /* TODO(3.2) */
    (void)table, (void)va;
    return 0;
}

static int protect(struct page_table *table, uint64_t va, unsigned prot)
{
    /* TODO(3.2) */
    (void)table, (void)va, (void)prot;
    return -ENOENT;
}

static uint64_t find(const struct page_table *table, uint64_t va)
{
    /* TODO(3.2) */
    (void)table, (void)va;
    return 0;
}

static const struct page_table_ops sv39 = {
    .create = create,
    .destroy = destroy,
    .map = map,
    .unmap = unmap,
    .protect = protect,
    .find = find,
};
PROVIDE(page_table, 3, sv39);
