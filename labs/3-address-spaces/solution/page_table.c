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

/* BEGIN SOLUTION 3.2 */
/* A leaf.  Without any permission it is there, and not valid. */
static uint64_t leaf(uintptr_t frame, unsigned prot)
{
    if (prot & PROT_WRITE)
        prot |= PROT_READ; /* W without R is reserved */
    uint64_t pte = frame >> 12 << 10 | (uint64_t)prot << 1 | PTE_A;
    if (prot & PROT_WRITE)
        pte |= PTE_D;
    if (prot & (PROT_READ | PROT_EXEC))
        pte |= PTE_V;
    return pte;
}

/* Does Sv39 have this address: do bits 63 to 39 repeat bit 38? */
static bool is_canonical(uint64_t va)
{
    return (uint64_t)((int64_t)(va << 25) >> 25) == va;
}

/* Take a frame for one more table, and note that it is ours; 0 without memory. */
static uintptr_t new_table(struct page_table *table)
{
    uintptr_t frame = frame_alloc();
    if (frame == 0)
        return 0;
    frame_of(frame)->link = table->tables;
    table->tables = (uint32_t)(frame_of(frame) - frame_table);
    return frame;
}

/* The place of the entry for va; NULL when there is no table for it. */
static uint64_t *walk(const struct page_table *table, uint64_t va)
{
    uint64_t *entries = (uint64_t *)table->root;
    for (int level = TABLE_LEVELS - 1; level > 0; level--) {
        uint64_t pte = entries[va >> (12 + 9 * level) & (TABLE_ENTRIES - 1)];
        if (!(pte & PTE_V))
            return NULL;
        entries = (uint64_t *)pte_frame(pte);
    }
    return &entries[va >> 12 & (TABLE_ENTRIES - 1)];
}

/*
 * Make the tables that are missing on the way to va's entry.  Returns the entry's place, or NULL without memory.
 * Needed once in 512 pages: apart, it does not make map() slower.
 */
__attribute__((noinline)) static uint64_t *make_tables(struct page_table *table, uint64_t va)
{
    uint64_t *entries = (uint64_t *)table->root;
    for (int level = TABLE_LEVELS - 1; level > 0; level--) {
        uint64_t *pte = &entries[va >> (12 + 9 * level) & (TABLE_ENTRIES - 1)];
        if (!(*pte & PTE_V)) {
            uintptr_t made = new_table(table);
            if (made == 0)
                return NULL;
            *pte = made >> 12 << 10 | PTE_V;
        }
        entries = (uint64_t *)pte_frame(*pte);
    }
    return &entries[va >> 12 & (TABLE_ENTRIES - 1)];
}
/* STUB
*/
/* END SOLUTION */

static int create(struct page_table *table)
{
    /* BEGIN SOLUTION 3.2 */
    table->tables = 0;
    table->root = new_table(table);
    return table->root ? 0 : -ENOMEM;
    /* STUB
    (void)table;
    return -ENOMEM;
    */
    /* END SOLUTION */
}

static void destroy(struct page_table *table)
{
    /* BEGIN SOLUTION 3.2 */
    while (table->tables != 0) {
        struct frame *frame = &frame_table[table->tables];
        table->tables = frame->link;
        frame_put(frame_address(frame));
    }
    table->root = 0;
    /* STUB
    (void)table;
    */
    /* END SOLUTION */
}

static int map(struct page_table *table, uint64_t va, uintptr_t frame, unsigned prot)
{
    /* BEGIN SOLUTION 3.2 */
    uint64_t *pte = walk(table, va);
    if (!pte)
        pte = make_tables(table, va);
    if (!pte)
        return -ENOMEM;
    if (*pte != 0)
        return -EEXIST;
    *pte = leaf(frame, prot);
    return 0;
    /* STUB
    (void)table, (void)va, (void)frame, (void)prot;
    return -ENOMEM;
    */
    /* END SOLUTION */
}

static uint64_t unmap(struct page_table *table, uint64_t va)
{
    /* BEGIN SOLUTION 3.2 */
    uint64_t *pte = walk(table, va);
    if (!pte || *pte == 0)
        return 0;
    uint64_t was = *pte;
    *pte = 0;
    tlb_flush_page(va);
    return was;
    /* STUB
    (void)table, (void)va;
    return 0;
    */
    /* END SOLUTION */
}

static int protect(struct page_table *table, uint64_t va, unsigned prot)
{
    /* BEGIN SOLUTION 3.2 */
    uint64_t *pte = walk(table, va);
    if (!pte || *pte == 0)
        return -ENOENT;
    *pte = leaf(pte_frame(*pte), prot);
    tlb_flush_page(va);
    return 0;
    /* STUB
    (void)table, (void)va, (void)prot;
    return -ENOENT;
    */
    /* END SOLUTION */
}

static uint64_t find(const struct page_table *table, uint64_t va)
{
    /* BEGIN SOLUTION 3.2 */
    const uint64_t *pte = is_canonical(va) ? walk(table, va) : NULL;
    return pte ? *pte : 0;
    /* STUB
    (void)table, (void)va;
    return 0;
    */
    /* END SOLUTION */
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
