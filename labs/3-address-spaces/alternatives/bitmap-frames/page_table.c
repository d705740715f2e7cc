/* 3.2: the same tree, walked by recursion; a table that becomes empty is given back at once. */
#include "page_table.h"

#include <stdbool.h>

#include "errno.h"
#include "frame.h"
#include "memory.h"

static uint64_t *slot_of(uintptr_t table, uint64_t va, int level)
{
    return (uint64_t *)table + (va >> (12 + 9 * level) & 511);
}

static uint64_t entry(uintptr_t frame, unsigned prot)
{
    uint64_t bits = PTE_A | PTE_D | (uint64_t)(prot & 15) << 1;
    if (bits & PTE_W)
        bits |= PTE_R;
    if (bits & (PTE_R | PTE_X))
        bits |= PTE_V;
    return frame / PAGE_SIZE << 10 | bits;
}

static bool is_empty(uintptr_t table)
{
    for (size_t i = 0; i < TABLE_ENTRIES; i++)
        if (((const uint64_t *)table)[i])
            return false;
    return true;
}

static int create(struct page_table *table)
{
    table->root = frame_alloc();
    return table->root == 0 ? -ENOMEM : 0;
}

static void destroy_below(uintptr_t table, int level)
{
    for (size_t i = 0; level > 0 && i < TABLE_ENTRIES; i++)
        if (((const uint64_t *)table)[i])
            destroy_below(pte_frame(((const uint64_t *)table)[i]), level - 1);
    frame_put(table);
}

static void destroy(struct page_table *table)
{
    destroy_below(table->root, 2);
    table->root = 0;
}

static int map_below(uintptr_t table, uint64_t va, int level, uint64_t leaf)
{
    uint64_t *slot = slot_of(table, va, level);
    if (level == 0) {
        if (*slot)
            return -EEXIST;
        *slot = leaf;
        return 0;
    }
    uintptr_t made = 0;
    if (!*slot) {
        made = frame_alloc();
        if (!made)
            return -ENOMEM;
        *slot = made / PAGE_SIZE << 10 | PTE_V;
    }
    int error = map_below(pte_frame(*slot), va, level - 1, leaf);
    if (error && made) {
        *slot = 0;
        frame_put(made);
    }
    return error;
}

static int map(struct page_table *table, uint64_t va, uintptr_t frame, unsigned prot)
{
    return map_below(table->root, va, 2, entry(frame, prot));
}

static uint64_t unmap_below(uintptr_t table, uint64_t va, int level)
{
    uint64_t *slot = slot_of(table, va, level), was = *slot;
    if (level == 0 || !was) {
        *slot = 0;
        return was;
    }
    uintptr_t below = pte_frame(was);
    uint64_t found = unmap_below(below, va, level - 1);
    if (found && is_empty(below)) {
        *slot = 0;
        tlb_flush();
        frame_put(below);
    }
    return found;
}

static uint64_t unmap(struct page_table *table, uint64_t va)
{
    uint64_t found = unmap_below(table->root, va, 2);
    tlb_flush_page(va);
    return found;
}

static uint64_t *leaf_of(const struct page_table *table, uint64_t va)
{
    uint64_t *slot = slot_of(table->root, va, 2);
    for (int level = 1; slot && level >= 0; level--)
        slot = *slot ? slot_of(pte_frame(*slot), va, level) : NULL;
    return slot && *slot ? slot : NULL;
}

static int protect(struct page_table *table, uint64_t va, unsigned prot)
{
    uint64_t *leaf = leaf_of(table, va);
    if (!leaf)
        return -ENOENT;
    *leaf = entry(pte_frame(*leaf), prot);
    tlb_flush();
    return 0;
}

static uint64_t find(const struct page_table *table, uint64_t va)
{
    if (va >> 38 != 0 && va >> 38 != (1UL << 26) - 1)
        return 0;
    const uint64_t *leaf = leaf_of(table, va);
    return leaf ? *leaf : 0;
}

static const struct page_table_ops tree = {create, destroy, map, unmap, protect, find};
PROVIDE(page_table, 3, tree);
