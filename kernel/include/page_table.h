/*
 * page_table.h: slot page_table, which virtual page is which frame, and who may do what with it.
 *
 * Sv39: an address has 39 bits, bits 63 to 39 repeat bit 38, and a table has 512 entries of 8 bytes.
 *
 *      63      39 38     30 29     21 20     12 11          0
 *     +----------+---------+---------+---------+-------------+
 *     | = bit 38 | index 2 | index 1 | index 0 |   offset    |   virtual address
 *     +----------+---------+---------+---------+-------------+
 *                     |         |         |
 *        satp ->  root table -> table  -> table -> frame
 *
 *      63    54 53                        10 9  8 7 6 5 4 3 2 1 0
 *     +--------+----------------------------+----+-+-+-+-+-+-+-+-+
 *     |   0    |  physical address / 4096   | sw |D|A|G|U|X|W|R|V|   entry
 *     +--------+----------------------------+----+-+-+-+-+-+-+-+-+
 *
 * An entry with V set and R, W, X clear leads to the next table; with any of R and X it is a leaf.
 * Source: The RISC-V Instruction Set Manual, Volume II, "Sv39: Page-Based 39-bit Virtual-Memory
 * System".
 */
#ifndef PAGE_TABLE_H
#define PAGE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slot.h"

#define PTE_V (1UL << 0)
#define PTE_R (1UL << 1)
#define PTE_W (1UL << 2)
#define PTE_X (1UL << 3)
#define PTE_U (1UL << 4) /* user mode may use the page, and only user mode */
#define PTE_G (1UL << 5)
#define PTE_A (1UL << 6) /* has been used; set it, or some CPUs fault at the first access */
#define PTE_D (1UL << 7) /* has been written to; likewise for a writable page */

enum { TABLE_ENTRIES = 512, TABLE_LEVELS = 3 };

/*
 * What may be done with a page.  The first three are also Linux's for mmap(2), and Linux's rule
 * holds for them: what may be written may also be read.
 */
enum { PROT_NONE = 0, PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4, PROT_USER = 8 };

/*
 * Who serves the slot makes tables and gives them back.  The entries of the lowest ones others may write, too
 * (page_run_next(), page_table_entry()): how many are in use only the entries themselves say.
 */
struct page_table {
    uintptr_t root;  /* physical address of the root table */
    uint32_t tables; /* private to the slot */
};

struct page_table_ops {
    /* Make an empty table.  Returns 0 or -ENOMEM. */
    int (*create)(struct page_table *table);

    /* Give back the frames of all its tables; what they map is not touched. */
    void (*destroy)(struct page_table *table);

    /*
     * Map the page at va to a frame: its leaf gets the permissions of prot, V, A, and D if it may be
     * written.  Without any of PROT_READ, PROT_WRITE and PROT_EXEC it is mapped all the same, and V
     * clear: no access succeeds, but find() and unmap() know it.
     * va, frame: page aligned, va as Sv39 demands it, frame any physical address, of up to 56 bits.
     * Returns 0, -EEXIST when va is mapped, -ENOMEM when there is no frame for a table.
     */
    int (*map)(struct page_table *table, uint64_t va, uintptr_t frame, unsigned prot);

    /* The entry of a mapped page after it has been taken out, or 0 when va was not mapped. */
    uint64_t (*unmap)(struct page_table *table, uint64_t va);

    /* Give a mapped page other permissions.  Returns 0, or -ENOENT when va is not mapped. */
    int (*protect)(struct page_table *table, uint64_t va, unsigned prot);

    /*
     * The entry of the page that va, any address, lies in: 0 when it is not mapped, or when no Sv39
     * table can map it.
     */
    uint64_t (*find)(const struct page_table *table, uint64_t va);
};
DECLARE_SLOT(page_table);

/* The frame that an entry names. */
static inline uintptr_t pte_frame(uint64_t pte)
{
    return (pte >> 10 & 0xfffffffffffUL) << 12;
}

/* The permissions that an entry gives: PROT_…, PROT_NONE for an entry without V. */
static inline unsigned pte_prot(uint64_t pte)
{
    return pte & PTE_V ? (unsigned)(pte >> 1 & 15) : PROT_NONE;
}

/*
 * The entries of a range of pages, table by table, for who has thousands of them to look at, or to change:
 *
 *     struct page_run run = {.behind = start};
 *     while (page_run_next(table, &run, end))
 *         for (uint64_t *entry = run.first; entry < run.last; entry++)
 *             if (*entry)
 *                 … the page at run.page + (entry - run.first) * PAGE_SIZE is mapped
 *
 * The permissions and the frame of an entry may be written, and it may be cleared; what the CPU remembers of it is
 * then the caller's business (tlb_flush()).  Large pages, which no program has, are passed over.
 */
struct page_run {
    uint64_t page;          /* the first one, of the last run that was found */
    uint64_t *first, *last; /* its entry; and behind that of the last one */
    uint64_t behind;        /* where to look on, page aligned; at first where to begin */
};

/* Find the next run before end: of the user half, page aligned.  False: there is none. */
bool page_run_next(const struct page_table *table, struct page_run *run, uint64_t end);

/*
 * Where the entry of a page stands in its table, be it mapped or not; the entries of the pages behind it follow, up to
 * the end of the table.  NULL when there is no such table.
 */
uint64_t *page_table_entry(const struct page_table *table, uint64_t va);

/* What to write to the CSR satp to use a table. */
static inline uint64_t page_table_satp(const struct page_table *table)
{
    return 8UL << 60 /* mode Sv39 */ | table->root >> 12;
}

/* Have the CPU forget what it knows of one page of the table in satp, or of all. */
static inline void tlb_flush_page(uint64_t va)
{
    __asm__ volatile("sfence.vma %0" ::"r"(va) : "memory");
}

static inline void tlb_flush(void)
{
    __asm__ volatile("sfence.vma" ::: "memory");
}

#endif
