/* page_run.c: looking through page tables, whoever has made them. */
#include "memory.h"
#include "page_table.h"
#include "space.h"

/*
 * Go down to the lowest table for va, or to where it ends before: *level says how far above the lowest, and the
 * entry that it ends at is given.
 */
static uint64_t *descend(const struct page_table *table, uint64_t va, int *level)
{
    uint64_t *entries = (uint64_t *)table->root;
    for (*level = TABLE_LEVELS - 1;; --*level) {
        uint64_t *entry = &entries[va >> (12 + 9 * *level) & (TABLE_ENTRIES - 1)];
        if (*level == 0 || !(*entry & PTE_V) || (*entry & (PTE_R | PTE_X)))
            return entry;
        entries = (uint64_t *)pte_frame(*entry);
    }
}

uint64_t *page_table_entry(const struct page_table *table, uint64_t va)
{
    int level;
    uint64_t *entry = descend(table, va, &level);
    return level == 0 ? entry : NULL;
}

bool page_run_next(const struct page_table *table, struct page_run *run, uint64_t end)
{
    while (run->behind < end) {
        int level;
        run->page = run->behind;
        run->first = descend(table, run->page, &level);
        uint64_t covered = 1UL << (12 + 9 * (level > 0 ? level : 1));
        run->behind = (run->page & ~(covered - 1)) + covered;
        if (level == 0) {
            run->behind = run->behind < end ? run->behind : end;
            run->last = run->first + (run->behind - run->page) / PAGE_SIZE;
            return true;
        }
    }
    return false;
}

uint64_t space_next_page(const struct space *space, uint64_t va, uint64_t end)
{
    struct page_run run = {.behind = va};
    while (page_run_next(&space->table, &run, end))
        for (const uint64_t *entry = run.first; entry < run.last; entry++)
            if (*entry)
                return run.page + (uint64_t)(entry - run.first) * PAGE_SIZE;
    return end;
}
