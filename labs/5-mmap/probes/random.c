/*
 * random.c: mappings of all kinds at random, against a model of pages (tasks 5.4 to 5.6): after each operation
 * every page's area and entry are what the model says, and no frame is lost.
 */
#include "errno.h"
#include "kmalloc.h"
#include "memory.h"
#include "probes.h"

enum { WINDOW = 80, LENGTH_MAX = 8, MAPPED_MAX = 56, RANDOM_OPERATIONS = 2000 };
enum kind { FREE, ANONYMOUS, PRIVATE, SHARED };

struct page {
    enum kind kind;
    unsigned prot;
    uint64_t index; /* in the file */
    bool present;
    bool dirty;    /* stored to since it was synced: it may be written to the file */
    bool unsaved;  /* and the file has not had it since, from this page or another: it must be */
    uint8_t value; /* the first byte, of pages of their own */
};

static struct page pages[WINDOW];
static uint8_t file_value[FAKE_PAGES]; /* the first byte of each page of the file */

static uint64_t address_of(uint64_t page)
{
    return MMAP_BASE + page * PAGE_SIZE;
}

/* Somebody writes a page of the file: has a store to a shared mapping of it been seen? */
static void check_write(uint64_t index)
{
    for (int i = 0; i < WINDOW; i++)
        if (pages[i].kind == SHARED && pages[i].index == index && pages[i].dirty)
            return;
    probe_fail("page %lu of the file is written, where nobody has stored to it", index);
}

/* [first, first + count) is not mapped any more: what was written to it is in the file. */
static void forget(uint64_t first, uint64_t count)
{
    for (uint64_t i = first; i < first + count; i++) {
        struct page *page = &pages[i];
        if (page->kind == SHARED && page->unsaved)
            PROBE_CHECK(fake.stored[page->index] == file_value[page->index],
                        "page %lu, shared and written, is gone, and was not written to the file",
                        i);
        *page = (struct page){FREE};
    }
}

static uint64_t count_mapped(void)
{
    uint64_t count = 0;
    for (int i = 0; i < WINDOW; i++)
        count += pages[i].kind != FREE;
    return count;
}

/* Where find_unmapped_area() has to put so many pages: the first gap from a page of the window on. */
static uint64_t first_gap(uint64_t first, uint64_t count)
{
    uint64_t at = first;
    for (uint64_t i = first; i < WINDOW && i - at < count; i++)
        if (pages[i].kind != FREE)
            at = i + 1;
    return at;
}

static void do_map(const struct operation *op, unsigned kinds)
{
    uint64_t first = op->random[0] % 64, count = 1 + op->random[0] / 64 % LENGTH_MAX;
    enum kind kind = ANONYMOUS + op->random[1] % kinds;
    unsigned prot = (unsigned)(op->random[1] / 16 % 8);
    uint64_t index = op->random[1] / 128 % (FAKE_PAGES - LENGTH_MAX), how = op->random[2] % 4;
    unsigned flags = kind == ANONYMOUS ? ANON : kind == PRIVATE ? MAP_PRIVATE : MAP_SHARED;
    uint64_t hint = 0, wanted = first;
    long result;
    if (count_mapped() + count > MAPPED_MAX)
        return;
    bool taken = false;
    for (uint64_t i = first; i < first + count; i++)
        taken |= pages[i].kind != FREE;
    if (how == 0) {
        flags |= MAP_FIXED, hint = address_of(first);
    } else if (how == 1) {
        flags |= MAP_FIXED_NOREPLACE, hint = address_of(first);
    } else {
        hint = how == 2 ? address_of(first) : 0;
        wanted = first_gap(how == 2 ? first : 0, count);
        if (wanted + count > WINDOW)
            return;
    }
    probe_say("mmap(0x%lx, %lu pages, %s, 0x%x, file, page %lu)", hint, count, probe_prot(prot),
              flags, index);
    result = probe_call(SYS_MMAP, hint, count * PAGE_SIZE, prot, flags, FAKE_FD, index * PAGE_SIZE);
    if (how == 1 && taken) {
        PROBE_CHECK(result == -EEXIST,
                    "MAP_FIXED_NOREPLACE at 0x%lx, %lu pages, over others returned %ld", hint,
                    count, result);
        return;
    }
    PROBE_CHECK(result == (long)address_of(wanted),
                "mmap(0x%lx, %lu pages, %s, 0x%x) returned 0x%lx, not 0x%lx", hint, count,
                probe_prot(prot), flags, result, address_of(wanted));
    forget(wanted, count);
    for (uint64_t i = 0; i < count; i++)
        pages[wanted + i] = (struct page){
            .kind = kind,
            .prot = prot | PROT_USER | (prot & PROT_WRITE ? PROT_READ : 0),
            .index = index + i,
        };
}

static void do_unmap(const struct operation *op)
{
    uint64_t first = op->random[0] % 64, count = 1 + op->random[1] % 12;
    probe_say("munmap(0x%lx, %lu pages)", address_of(first), count);
    probe_unmap(address_of(first), count);
    forget(first, count);
}

static void do_protect(const struct operation *op)
{
    uint64_t first = op->random[0] % 64, count = 1 + op->random[1] % LENGTH_MAX, end = first;
    unsigned prot = (unsigned)(op->random[2] % 8);
    while (end < first + count && pages[end].kind != FREE)
        end++;
    probe_say("mprotect(0x%lx, %lu pages, %s)", address_of(first), count, probe_prot(prot));
    long result = probe_call(SYS_MPROTECT, address_of(first), count * PAGE_SIZE, prot, 0, 0, 0);
    PROBE_CHECK(result == (end < first + count ? -ENOMEM : 0),
                "mprotect(0x%lx, %lu pages, %s) returned %ld; %s", address_of(first), count,
                probe_prot(prot), result,
                end < first + count ? "there is a hole" : "all is mapped");
    unsigned now = prot | PROT_USER | (prot & PROT_WRITE ? PROT_READ : 0);
    for (uint64_t i = first; i < end; i++) {
        /* Before a hole it may have changed, or not: the area says. */
        const struct area *area = area_find(&probe_process.space->areas, address_of(i));
        if (result == 0 || (area && area->prot == now))
            pages[i].prot = now;
    }
}

static void do_touch(const struct operation *op)
{
    uint64_t n = op->random[0] % 64;
    struct page *page = &pages[n];
    enum access access = op->random[0] / 64 % 4 == 0 ? ACCESS_EXECUTE
                         : op->random[1] % 2         ? ACCESS_WRITE
                                                     : ACCESS_READ;
    const char *what = access == ACCESS_WRITE ? "write" : access == ACCESS_READ ? "read" : "jump";
    uint8_t value = (uint8_t)op->random[2];
    uint64_t va = address_of(n) + op->random[2] / 256 % PAGE_SIZE;
    probe_say("a %s at 0x%lx", what, va);
    long error = probe_touch(va, access);
    bool may = page->kind != FREE && (page->prot & access);
    PROBE_CHECK(error == (may ? 0 : -EFAULT), "a %s at 0x%lx (%s): fault() returned %ld", what, va,
                page->kind == FREE ? "nothing is mapped" : probe_prot(page->prot), error);
    if (!may)
        return;
    if (!page->present && page->kind == PRIVATE)
        page->value = file_value[page->index];
    page->present = true;
    uint8_t *byte = probe_byte(address_of(n));
    uint8_t *expected = page->kind == SHARED ? &file_value[page->index] : &page->value;
    PROBE_CHECK(*byte == *expected, "the first byte at 0x%lx is %u, not %u", address_of(n), *byte,
                *expected);
    if (access == ACCESS_WRITE) {
        PROBE_CHECK(pte_prot(probe_leaf(&probe_process.space->table, va)) & PROT_WRITE,
                    "after a write at 0x%lx its page cannot be written", va);
        probe_cpu_stores(address_of(n), value);
        *expected = value;
        page->dirty = page->unsaved = page->kind == SHARED;
    }
}

static void do_sync(const struct operation *op)
{
    uint64_t first = op->random[0] % 64, count = 1 + op->random[1] % LENGTH_MAX;
    bool hole = false;
    probe_say("msync(0x%lx, %lu pages)", address_of(first), count);
    long result = probe_call(SYS_MSYNC, address_of(first), count * PAGE_SIZE, 4, 0, 0, 0);
    for (uint64_t i = first; i < first + count; i++)
        hole |= pages[i].kind == FREE;
    PROBE_CHECK(result == (hole ? -ENOMEM : 0), "msync(0x%lx, %lu pages) returned %ld; %s",
                address_of(first), count, result, hole ? "there is a hole" : "all is mapped");
    for (uint64_t i = first; i < first + count; i++) {
        if (pages[i].kind == SHARED && pages[i].unsaved)
            PROBE_CHECK(fake.stored[pages[i].index] == file_value[pages[i].index],
                        "msync() of page %lu, shared and written, has not written it", i);
        pages[i].dirty = pages[i].unsaved = false;
    }
}

/* What has come to the file need not be written again, though it may: mprotect() may write, or wait. */
static void note_saved(void)
{
    for (int i = 0; i < WINDOW; i++)
        if (pages[i].kind == SHARED && fake.stored[pages[i].index] == file_value[pages[i].index])
            pages[i].unsaved = false;
}

/* Are areas and page table what the model says? */
static void compare(long frames)
{
    struct space *space = probe_process.space;
    size_t present = 0;
    const struct area *area = NULL;
    while ((area = area_next(&space->areas, area)))
        PROBE_CHECK(
            area->start >= MMAP_BASE && area->end <= address_of(WINDOW) && area->start < area->end,
            "there is an area 0x%lx-0x%lx, where nothing has been mapped", area->start, area->end);
    for (uint64_t i = 0; i < WINDOW; i++) {
        const struct page *page = &pages[i];
        uint64_t va = address_of(i), pte = probe_leaf(&space->table, va);
        area = area_find(&space->areas, va);
        PROBE_CHECK((area != NULL) == (page->kind != FREE),
                    "then page %lu, at 0x%lx, lies in %s area", i, va, area ? "an" : "no");
        PROBE_CHECK(!pte || page->present,
                    "then page %lu, at 0x%lx, is in the page table, untouched "
                    "or unmapped",
                    i, va);
        /* What is nowhere else must be there: zeros, and what a file has, can come again. */
        PROBE_CHECK(pte || !page->present || page->kind == SHARED ||
                        (page->kind == ANONYMOUS && page->value == 0),
                    "then page %lu, at 0x%lx, is not there any more", i, va);
        if (!area)
            continue;
        PROBE_CHECK(area->prot == page->prot, "then the area of page %lu is %s, not %s", i,
                    probe_prot(area->prot), probe_prot(page->prot));
        PROBE_CHECK(area->shared == (page->kind == SHARED) &&
                        (area->file == &fake.file) == (page->kind != ANONYMOUS),
                    "then page %lu is of another kind", i);
        PROBE_CHECK(page->kind == ANONYMOUS ||
                        area->offset + (va - area->start) == page->index * PAGE_SIZE,
                    "then page %lu shows the file at 0x%lx, not 0x%lx", i,
                    area->offset + (va - area->start), page->index * PAGE_SIZE);
        if (!pte)
            continue;
        present++;
        unsigned prot = pte_prot(pte), full = page->prot & ~PROT_USER ? page->prot : PROT_NONE;
        /* It may wait for its first store. */
        bool waits = (full & PROT_WRITE) && prot == ((full & ~PROT_WRITE) | PROT_READ);
        PROBE_CHECK(prot == full || waits, "then page %lu is %s in the page table, not %s", i,
                    probe_prot(prot), probe_prot(full));
        const uint8_t *byte = (const uint8_t *)pte_frame(pte);
        uint8_t expected = page->kind == SHARED ? file_value[page->index] : page->value;
        PROBE_CHECK(*byte == expected, "then the first byte of page %lu is %u, not %u", i, *byte,
                    expected);
    }
    long wanted = frames + (long)probe_tables(&space->table) + (long)present;
    PROBE_CHECK(probe_frames == wanted, "then %ld frames are in use, of pages and tables, not %ld",
                probe_frames - frames, wanted - frames);
}

/* argument: 0 mmap() and munmap() of memory and private files; 1 and shared ones, msync(); 2 and mprotect(). */
void random_mappings(unsigned long argument)
{
    size_t heap = kmalloc_free_bytes();
    long frames = probe_frames;
    probe_new_space();
    fake_open(FAKE_PAGES * PAGE_SIZE, O_RDWR);
    fake.on_write = check_write;
    for (uint64_t i = 0; i < FAKE_PAGES; i++)
        file_value[i] = fake_byte(i * PAGE_SIZE);
    struct operation op;
    while (probe_next(&op)) {
        if (op.number >= RANDOM_OPERATIONS)
            continue;
        unsigned what = (unsigned)(op.random[2] >> 40) % 16;
        if (what < 3)
            do_map(&op, argument >= 1 ? 3 : 2);
        else if (what < (argument >= 1 ? 4 : 5))
            do_unmap(&op);
        else if (what < 6 && argument >= 2)
            do_protect(&op);
        else if (what < 7 && argument >= 1)
            do_sync(&op);
        else
            do_touch(&op);
        note_saved();
        compare(frames);
    }
    probe_say("munmap() of everything");
    probe_unmap(MMAP_BASE, WINDOW);
    forget(0, WINDOW);
    compare(frames);
    page_table->destroy(&probe_process.space->table);
    PROBE_CHECK(
        probe_frames == frames && kmalloc_free_bytes() == heap && fake.file.references == 2,
        "everything is unmapped, and %ld frames, %ld bytes of the kernel's, %d references to "
        "the file are left",
        probe_frames - frames, (long)(heap - kmalloc_free_bytes()), (int)fake.file.references - 2);
}
