/* 3.2: entries of bit fields; a table is linked into the tree when it has its content. */
#include "page_table.h"

#include "errno.h"
#include "frame.h"

/* The picture in page_table.h. */
union entry {
    uint64_t word;
    struct {
        uint64_t v : 1, r : 1, w : 1, x : 1, u : 1, g : 1, a : 1, d : 1;
        uint64_t forbidden : 1; /* ours: mapped, and nobody may use it */
        uint64_t software : 1;
        uint64_t number : 44;
        uint64_t reserved : 10;
    };
};
_Static_assert(sizeof(union entry) == 8, "an entry is a word");

static union entry to_table(uintptr_t frame)
{
    return (union entry){.v = 1, .number = frame >> 12};
}

static union entry to_page(uintptr_t frame, unsigned prot)
{
    union entry entry = {.number = frame >> 12};
    entry.w = entry.d = (prot & PROT_WRITE) != 0;
    entry.r = (prot & (PROT_READ | PROT_WRITE)) != 0;
    entry.x = (prot & PROT_EXEC) != 0;
    entry.u = (prot & PROT_USER) != 0;
    entry.v = entry.a = entry.r | entry.x;
    entry.forbidden = !entry.v;
    return entry;
}

static union entry *table_at(uintptr_t frame)
{
    return (union entry *)frame;
}

static union entry *below(union entry entry)
{
    return table_at((uintptr_t)entry.number << 12);
}

static unsigned index(uint64_t va, int level)
{
    return va >> (12 + 9 * level) & 511;
}

static int create(struct page_table *table)
{
    table->root = frame_alloc();
    return table->root ? 0 : -ENOMEM;
}

static void destroy_tables(uintptr_t frame, int level)
{
    for (int i = 0; level > 0 && i < TABLE_ENTRIES; i++) {
        union entry entry = table_at(frame)[i];
        if (entry.v && !entry.r && !entry.x)
            destroy_tables((uintptr_t)below(entry), level - 1);
    }
    frame_put(frame);
}

static void destroy(struct page_table *table)
{
    destroy_tables(table->root, TABLE_LEVELS - 1);
    table->root = 0;
}

static int insert(union entry *entries, int level, uint64_t va, union entry page)
{
    union entry *entry = &entries[index(va, level)];
    if (level == 0) {
        if (entry->word)
            return -EEXIST;
        *entry = page;
        return 0;
    }
    if (entry->v)
        return insert(below(*entry), level - 1, va, page);
    uintptr_t made = frame_alloc();
    if (!made)
        return -ENOMEM;
    int error = insert(table_at(made), level - 1, va, page);
    if (error)
        frame_put(made);
    else
        *entry = to_table(made);
    return error;
}

static int map(struct page_table *table, uint64_t va, uintptr_t frame, unsigned prot)
{
    int error = insert(table_at(table->root), TABLE_LEVELS - 1, va, to_page(frame, prot));
    tlb_flush_page(va); /* a CPU may remember that there was nothing */
    return error;
}

/* The entry of a page that is mapped, or NULL. */
static union entry *lookup(union entry *entries, int level, uint64_t va)
{
    union entry *entry = &entries[index(va, level)];
    if (level > 0)
        return entry->v ? lookup(below(*entry), level - 1, va) : NULL;
    return entry->word ? entry : NULL;
}

/* Replace the entry of a page that is mapped.  Returns the old one, or 0. */
static uint64_t replace(struct page_table *table, uint64_t va, union entry by)
{
    union entry *entry = lookup(table_at(table->root), TABLE_LEVELS - 1, va);
    if (!entry)
        return 0;
    uint64_t was = entry->word;
    if (by.word)
        by.number = entry->number;
    *entry = by;
    tlb_flush_page(va);
    return was;
}

static uint64_t unmap(struct page_table *table, uint64_t va)
{
    return replace(table, va, (union entry){.word = 0});
}

static int protect(struct page_table *table, uint64_t va, unsigned prot)
{
    return replace(table, va, to_page(0, prot)) ? 0 : -ENOENT;
}

static uint64_t find(const struct page_table *table, uint64_t va)
{
    uint64_t above = va >> 38; /* bits 63 to 38: all alike */
    if (above != 0 && above != (1UL << 26) - 1)
        return 0;
    const union entry *entry = lookup(table_at(table->root), TABLE_LEVELS - 1, va);
    return entry ? entry->word : 0;
}

static const struct page_table_ops bit_fields = {create, destroy, map, unmap, protect, find};
PROVIDE(page_table, 3, bit_fields);
