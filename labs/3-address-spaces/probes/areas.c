/* areas.c: probes of backends and mapping (task 3.4). */
#include "area.h"
#include "errno.h"
#include "file.h"
#include "kmalloc.h"
#include "platform.h"
#include "probes.h"
#include "scarce.h"
#include "string.h"

#define BASE 0x3fe00000UL /* so that 1 MiB of pages crosses the end of two tables */

static void new_space(struct space *space)
{
    area_set_init(&space->areas);
    PROBE_CHECK(page_table->create(&space->table) == 0, "no memory for a page table");
}

/* The frame and permissions that an address has. */
static void check_page(const struct space *space, uint64_t va, unsigned prot)
{
    uint64_t pte = probe_leaf(&space->table, va);
    unsigned wanted = prot & PROT_WRITE ? prot | PROT_READ : prot;
    PROBE_CHECK(pte, "page 0x%lx of the area is not mapped", va);
    PROBE_CHECK(pte_prot(pte) == wanted, "page 0x%lx of the area has %s, the area %s", va,
                probe_prot(pte_prot(pte)), probe_prot(prot));
}

static void check_leaves(const struct space *space, size_t wanted, const char *when)
{
    size_t leaves = probe_leaves(&space->table);
    PROBE_CHECK(leaves == wanted, "%s %zu pages are mapped, not %zu", when, leaves, wanted);
}

static struct area anonymous(uint64_t start, size_t pages, unsigned prot)
{
    return (struct area){
        .start = start,
        .end = start + pages * PAGE_SIZE,
        .prot = prot,
        .populate = true,
        .backend = spaces->anonymous,
    };
}

/* The area that now begins at start. */
static struct area *area_at(const struct space *space, uint64_t start)
{
    struct area *area = area_find(&space->areas, start);
    PROBE_CHECK(area && area->start == start, "no area begins at 0x%lx after map()", start);
    return area;
}

static void map(struct space *space, const struct area *wanted)
{
    int error = spaces->map(space, wanted);
    PROBE_CHECK(error == 0, "map() of 0x%lx-0x%lx returned %d", wanted->start, wanted->end, error);
}

void areas_anonymous(unsigned long argument)
{
    (void)argument;
    enum { PAGES = 5 };
    struct space space;
    new_space(&space);
    uint64_t start = BASE;
    for (unsigned prot = PROT_USER | 1; prot < 16; prot++) {
        long before = probe_frames;
        struct area wanted = anonymous(start, PAGES, prot);
        map(&space, &wanted);
        struct area *area = area_at(&space, start);
        PROBE_CHECK(area != &wanted, "the space keeps the caller's struct area, not a copy");
        PROBE_CHECK(area->end == wanted.end && area->prot == prot &&
                        area->backend == wanted.backend,
                    "the area at 0x%lx is not as it was wanted", start);
        check_leaves(&space, PAGES, "after map() of 5 pages");
        for (int i = 0; i < PAGES; i++) {
            uint64_t va = start + (uint64_t)i * PAGE_SIZE;
            check_page(&space, va, prot);
            uint64_t *words = (uint64_t *)pte_frame(probe_leaf(&space.table, va));
            for (size_t n = 0; n < PAGE_SIZE / 8; n++) {
                PROBE_CHECK(words[n] == 0, "page 0x%lx is not zero at the beginning", va);
                words[n] = va + n; /* another page's frame would no longer be zero */
            }
        }
        /* A part, then all. */
        area->backend->drop(&space, area, start + PAGE_SIZE, start + 3 * PAGE_SIZE);
        check_leaves(&space, PAGES - 2, "after drop() of 2 of 5 pages");
        check_page(&space, start, prot);
        check_page(&space, start + 3 * PAGE_SIZE, prot);
        int error = area->backend->fill(&space, area, start + 2 * PAGE_SIZE);
        PROBE_CHECK(error == 0, "fill() of a dropped page returned %d", error);
        check_leaves(&space, PAGES - 1, "after fill() of 1 of 2 dropped pages");
        spaces->unmap(&space, area);
        check_leaves(&space, 0, "after unmap() of the area");
        PROBE_CHECK(!area_next(&space.areas, NULL), "after unmap() the area is still in the set");
        /* The first time, tables may stay. */
        PROBE_CHECK(probe_frames <= before + (prot == (PROT_USER | 1) ? 2 : 0),
                    "after unmap() %ld frames have not come back", probe_frames - before);
    }
    struct area lazy = anonymous(start, PAGES, PROT_USER | PROT_READ);
    lazy.populate = false;
    map(&space, &lazy);
    check_leaves(&space, 0, "after map() with populate false");
    spaces->unmap(&space, area_at(&space, start));
    /* The last pages that a program can have: no address there has 32 bits. */
    struct area top = anonymous(USER_END - PAGES * PAGE_SIZE, PAGES, PROT_USER | PROT_READ);
    map(&space, &top);
    check_leaves(&space, PAGES, "after map() of 5 pages below USER_END");
    for (uint64_t va = top.start; va < top.end; va += PAGE_SIZE)
        check_page(&space, va, top.prot);
    spaces->unmap(&space, area_at(&space, top.start));
    check_leaves(&space, 0, "after unmap() of 5 pages below USER_END");
    page_table->destroy(&space.table);
    PROBE_CHECK(probe_frames == 0, "in the end %ld frames have not come back", probe_frames);
}

/* An area of more than 4 GiB, on memory that lies beyond 4 GiB: single pages of it. */
static void check_far_pages(struct space *space)
{
    const struct area area = {
        .start = BASE,
        .end = BASE + (6UL << 30),
        .prot = PROT_READ,
        .backend = spaces->linear,
        .physical = 0x1234567000,
    };
    const uint64_t distances[] = {0, 0xfffff000, 1UL << 32, (5UL << 30) + PAGE_SIZE};
    for (size_t i = 0; i < sizeof(distances) / sizeof(distances[0]); i++) {
        uint64_t va = area.start + distances[i];
        int error = area.backend->fill(space, &area, va);
        PROBE_CHECK(error == 0, "fill(0x%lx) of a linear area returned %d", va, error);
        check_page(space, va, area.prot);
        uintptr_t frame = pte_frame(probe_leaf(&space->table, va));
        PROBE_CHECK(frame == area.physical + distances[i],
                    "a page 0x%lx bytes from the start of a linear area on 0x%lx is frame 0x%lx",
                    distances[i], area.physical, frame);
        area.backend->drop(space, &area, va, va + PAGE_SIZE);
        check_leaves(space, 0, "after drop() of the only page of a linear area");
    }
}

/* fill() of a linear area, whose page needs tables, where each frame in turn is refused. */
static void check_missing_tables(void)
{
    const struct area area = {
        .start = BASE, .end = BASE + PAGE_SIZE, .prot = PROT_READ, .backend = spaces->linear};
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        struct space space;
        new_space(&space);
        probe_refuse = n;
        int error = area.backend->fill(&space, &area, BASE);
        done = probe_refuse > 0;
        probe_refuse = 0;
        PROBE_CHECK(error == (done ? 0 : -ENOMEM),
                    "fill() of a linear area without frame %lu returned %d", n, error);
        check_leaves(&space, done, "after fill() of a linear area");
        page_table->destroy(&space.table);
        PROBE_CHECK(probe_frames == 0, "in the end %ld frames have not come back", probe_frames);
    }
}

void areas_linear(unsigned long argument)
{
    (void)argument;
    enum { PAGES = 6 };
    struct space space;
    new_space(&space);
    const struct area wanted = {
        .start = BASE,
        .end = BASE + PAGES * PAGE_SIZE,
        .prot = PROT_READ | PROT_EXEC,
        .populate = true,
        .backend = spaces->linear,
        .physical = platform.memory_start + 37 * PAGE_SIZE,
    };
    map(&space, &wanted);
    long with_tables = probe_frames;
    for (uint64_t i = 0; i < PAGES; i++) {
        uint64_t va = BASE + i * PAGE_SIZE;
        check_page(&space, va, wanted.prot);
        uintptr_t frame = pte_frame(probe_leaf(&space.table, va));
        PROBE_CHECK(frame == wanted.physical + i * PAGE_SIZE,
                    "page %lu of a linear area is frame 0x%lx, not 0x%lx", i, frame,
                    wanted.physical + i * PAGE_SIZE);
    }
    struct area *area = area_at(&space, BASE);
    area->backend->drop(&space, area, BASE + PAGE_SIZE, BASE + 3 * PAGE_SIZE);
    check_leaves(&space, PAGES - 2, "after drop() of 2 of 6 pages of a linear area");
    check_page(&space, BASE, wanted.prot);
    check_page(&space, BASE + 3 * PAGE_SIZE, wanted.prot);
    spaces->unmap(&space, area);
    check_leaves(&space, 0, "after unmap() of the linear area");
    PROBE_CHECK(probe_frames >= with_tables - 2,
                "unmap() has given back frames of a linear area, which are somebody else's");
    check_far_pages(&space);
    page_table->destroy(&space.table);
    PROBE_CHECK(probe_frames == 0, "in the end %ld frames have not come back", probe_frames);
    check_missing_tables();
}

static void no_close(struct file *file)
{
    (void)file;
}

void areas_overlap(unsigned long argument)
{
    (void)argument;
    struct space space;
    new_space(&space);
    static const struct file_ops ops = {.close = no_close};
    struct file file = {.ops = &ops, .references = 1};
    struct area first = anonymous(BASE, 4, PROT_USER | PROT_READ);
    first.file = &file;
    first.offset = (1UL << 32) + 3 * PAGE_SIZE, first.file_size = (1UL << 32) + 5;
    map(&space, &first);
    const struct area *there = area_at(&space, BASE);
    PROBE_CHECK(there->file == &file && there->offset == first.offset &&
                    there->file_size == first.file_size,
                "an area of 0x%lx bytes from 0x%lx on of its file has 0x%lx bytes from 0x%lx on",
                first.file_size, first.offset, there->file_size, there->offset);
    PROBE_CHECK(file.references == 2, "an area with a file: it has %u references, not 2",
                file.references);
    long before = probe_frames;
    size_t heap = kmalloc_free_bytes();
    for (uint64_t i = 0; i < 7; i++) {
        /* Two pages long, from two pages before the area to the one behind it. */
        struct area other = anonymous(BASE + i * PAGE_SIZE - 2 * PAGE_SIZE, 2, PROT_READ);
        other.file = &file;
        bool overlaps = i >= 1 && i <= 5;
        int error = spaces->map(&space, &other);
        PROBE_CHECK(error == (overlaps ? -EEXIST : 0),
                    "map() of 0x%lx-0x%lx, where 0x%lx-0x%lx is an area, returned %d", other.start,
                    other.end, first.start, first.end, error);
        if (!overlaps)
            spaces->unmap(&space, area_at(&space, other.start));
        check_leaves(&space, 4, "after an area that overlaps was refused");
        PROBE_CHECK(space.areas.count == 1, "an area that was refused is in the set");
        PROBE_CHECK(file.references == 2, "the file now has %u references, not 2", file.references);
        PROBE_CHECK(probe_frames <= before + 2 && kmalloc_free_bytes() == heap,
                    "an area that was refused has taken memory with it");
    }
    spaces->unmap(&space, area_at(&space, BASE));
    PROBE_CHECK(file.references == 1, "after unmap() the file has %u references, not 1",
                file.references);
    page_table->destroy(&space.table);
    PROBE_CHECK(probe_frames == 0, "in the end %ld frames have not come back", probe_frames);
}

/* A backend whose third page cannot be read. */
static int broken_fill(struct space *space, const struct area *area, uint64_t va)
{
    return va == area->start + 2 * PAGE_SIZE ? -EIO : spaces->anonymous->fill(space, area, va);
}

static void broken_drop(struct space *space, const struct area *area, uint64_t start, uint64_t end)
{
    spaces->anonymous->drop(space, area, start, end);
}

/* map() of an area of which a page cannot be read; and without kernel memory, until it has enough. */
static void check_other_failures(void)
{
    static const struct backend broken = {"broken", broken_fill, broken_drop, NULL};
    struct space space;
    new_space(&space);
    size_t heap = kmalloc_free_bytes();
    /* Not for user mode: lab 4 fills such an area at once, too. */
    struct area wanted = anonymous(BASE, 5, PROT_READ);
    map(&space, &wanted); /* and its tables */
    spaces->unmap(&space, area_at(&space, BASE));
    long frames = probe_frames;
    wanted.backend = &broken;
    int error = spaces->map(&space, &wanted);
    PROBE_CHECK(error == -EIO, "map(), where fill() of a page returned -EIO, returned %d", error);
    check_leaves(&space, 0, "after a map() whose third page cannot be read");
    PROBE_CHECK(!area_next(&space.areas, NULL) && kmalloc_free_bytes() == heap &&
                    probe_frames == frames,
                "a map() whose third page cannot be read has left something behind");

    wanted.backend = spaces->anonymous;
    probe_scarce_begin();
    size_t bytes = 0;
    do {
        probe_scarce_leave(bytes);
        error = spaces->map(&space, &wanted);
        PROBE_CHECK(error == 0 || error == -ENOMEM,
                    "map() with %zu bytes of kernel memory returned %d", bytes, error);
        PROBE_CHECK(!error == (area_next(&space.areas, NULL) != NULL),
                    "map() with %zu bytes of kernel memory returned %d, and the set has %zu areas",
                    bytes, error, space.areas.count);
        if (error)
            check_leaves(&space, 0, "after a map() that lacked kernel memory");
        bytes += 32;
    } while (error && bytes < SCARCE_MAX);
    PROBE_CHECK(error == 0 && bytes > sizeof(struct area),
                "map() of an area of 5 pages, with %zu bytes of kernel memory, returned %d",
                bytes - 32, error);
    spaces->unmap(&space, area_at(&space, BASE));
    probe_scarce_end();
    page_table->destroy(&space.table);
    PROBE_CHECK(probe_frames == 0 && kmalloc_free_bytes() == heap,
                "after a map() that lacked kernel memory, frames or memory are missing");
}

/* The n-th frame is refused, for all n. */
void areas_memory(unsigned long argument)
{
    (void)argument;
    enum { PAGES = 20 };
    static const struct file_ops ops = {.close = no_close};
    struct file file = {.ops = &ops, .references = 1};
    size_t heap = kmalloc_free_bytes();
    bool done = false;
    check_other_failures();
    for (uint64_t n = 1; !done; n++) {
        struct space space;
        new_space(&space);
        struct area wanted =
            anonymous(0x40000000 - 10 * PAGE_SIZE, PAGES, PROT_USER | PROT_READ | PROT_WRITE);
        wanted.file = &file;
        probe_refuse = n;
        int error = spaces->map(&space, &wanted);
        done = probe_refuse > 0;
        probe_refuse = 0;
        if (done) {
            PROBE_CHECK(error == 0, "map() returned %d, and no frame had been refused", error);
            spaces->unmap(&space, area_at(&space, wanted.start));
        } else {
            PROBE_CHECK(error == -ENOMEM, "map() without frame %lu returned %d, not -ENOMEM", n,
                        error);
            PROBE_CHECK(!area_next(&space.areas, NULL),
                        "a map() that lacked frame %lu has left its area in the set", n);
        }
        check_leaves(&space, 0, "after a map() that lacked a frame");
        PROBE_CHECK(file.references == 1,
                    "a map() that lacked frame %lu: the file has %u references", n,
                    file.references);
        page_table->destroy(&space.table);
        PROBE_CHECK(probe_frames == 0, "a map() that lacked frame %lu keeps %ld frames", n,
                    probe_frames);
        PROBE_CHECK(kmalloc_free_bytes() == heap,
                    "a map() that lacked frame %lu keeps kernel memory", n);
    }
}

/* Unmap [start, end), all of which lies in areas; a map() may have merged what is alike. */
static void take_out(struct space *space, uint64_t start, uint64_t end)
{
    while (start < end) {
        struct area *area = area_find(&space->areas, start);
        PROBE_CHECK(area, "0x%lx lies in no area", start);
        if (area->start < start)
            area = area_split(&space->areas, area, start);
        if (area->end > end)
            area_split(&space->areas, area, end);
        start = area->end;
        spaces->unmap(space, area);
    }
}

/* Against a model: which page belongs to which area, by what begins there. */
void areas_random(unsigned long argument)
{
    (void)argument;
    enum { PAGES = 64 };
    static struct {
        size_t first; /* 1 + the page where its area begins; 0: no area */
        unsigned prot;
    } model[PAGES];
    struct space space;
    struct operation op;
    size_t mapped = 0;
    new_space(&space);
    while (probe_next(&op)) {
        if (op.number >= PROBE_OPERATIONS / 5)
            continue; /* each of these fills several pages */
        size_t page = op.random[0] % PAGES, length = 1 + op.random[1] % 9;
        uint64_t va = BASE + page * PAGE_SIZE;
        if (op.random[2] % 2) {
            const struct area *area = area_find(&space.areas, va);
            size_t first = model[page].first;
            PROBE_CHECK(!area == !first, "0x%lx lies in %s area", va, area ? "an" : "no");
            if (!area)
                continue;
            size_t behind = first - 1;
            for (; behind < PAGES && model[behind].first == first; behind++) {
                model[behind].first = 0;
                mapped--;
            }
            uint64_t start = BASE + (first - 1) * PAGE_SIZE, end = BASE + behind * PAGE_SIZE;
            probe_say("unmap(0x%lx-0x%lx)", start, end);
            take_out(&space, start, end);
        } else {
            if (page + length > PAGES)
                continue;
            bool overlaps = false;
            for (size_t i = page; i < page + length; i++)
                overlaps |= model[i].first != 0;
            unsigned prot = PROT_USER | (op.random[1] >> 8 & 7) | PROT_READ;
            struct area wanted = anonymous(va, length, prot);
            int error = spaces->map(&space, &wanted), right = overlaps ? -EEXIST : 0;
            probe_say("map(0x%lx-0x%lx, %s) = %d", wanted.start, wanted.end, probe_prot(prot),
                      error);
            PROBE_CHECK(error == right, "map(0x%lx-0x%lx) returned %d, not %d", wanted.start,
                        wanted.end, error, right);
            for (size_t i = page; !overlaps && i < page + length; i++) {
                model[i].first = page + 1;
                model[i].prot = prot;
                mapped++;
            }
        }
        if (model[page].first)
            check_page(&space, va, model[page].prot);
        else
            PROBE_CHECK(probe_leaf(&space.table, va) == 0, "0x%lx is mapped, and should not be",
                        va);
        if (op.random[2] % 128 == 0)
            check_leaves(&space, mapped, "now");
    }
    check_leaves(&space, mapped, "in the end");
    struct area *area;
    while ((area = area_next(&space.areas, NULL)))
        spaces->unmap(&space, area);
    check_leaves(&space, 0, "with no area left");
    page_table->destroy(&space.table);
    PROBE_CHECK(probe_frames == 0, "in the end %ld frames have not come back", probe_frames);
}
