/* remap.c: probes of mremap() (task 5.7). */
#include "errno.h"
#include "kmalloc.h"
#include "memory.h"
#include "probes.h"

static long remap(uint64_t address, uint64_t old, uint64_t size, uint64_t flags, uint64_t to)
{
    return probe_call(SYS_MREMAP, address, old * PAGE_SIZE, size * PAGE_SIZE, flags, to, 0);
}

/* Mark the pages of a mapping; and see that they have the marks of pages from `first` on. */
static void mark(uint64_t start, uint64_t pages)
{
    for (uint64_t i = 0; i < pages; i++) {
        PROBE_CHECK(probe_touch(start + i * PAGE_SIZE, ACCESS_WRITE) == 0,
                    "0x%lx cannot be written", start + i * PAGE_SIZE);
        *probe_byte(start + i * PAGE_SIZE) = (uint8_t)(i + 1);
    }
}

static void expect_marks(uint64_t start, uint64_t pages, const char *what)
{
    for (uint64_t i = 0; i < pages; i++) {
        PROBE_CHECK(probe_touch(start + i * PAGE_SIZE, ACCESS_READ) == 0,
                    "%s: page %lu cannot be read", what, i);
        PROBE_CHECK(*probe_byte(start + i * PAGE_SIZE) == (uint8_t)(i + 1),
                    "%s: page %lu has another content", what, i);
    }
}

/* A part of a mapping becomes smaller, and larger: the rest of it stays. */
static void remap_parts(void)
{
    const unsigned rw = PROT_READ | PROT_WRITE;
    const uint64_t page = PAGE_SIZE;
    probe_new_space();
    struct space *space = probe_process.space;
    uint64_t a = probe_map(0, 9, rw, ANON, -1UL, 0);
    mark(a, 9);
    PROBE_CHECK(remap(a + page, 2, 1, 0, 0) == (long)(a + page) &&
                    !area_find(&space->areas, a + 2 * page) &&
                    !probe_leaf(&space->table, a + 2 * page),
                "a part of a mapping does not become smaller: %s", probe_areas());
    PROBE_CHECK(area_find(&space->areas, a) && area_find(&space->areas, a + 3 * page) &&
                    area_find(&space->areas, a + 8 * page) && *probe_byte(a + 3 * page) == 4,
                "a part of a mapping becomes smaller, and what lies behind the range goes, too: %s",
                probe_areas());
    PROBE_CHECK(remap(a + 4 * page, 2, 3, 0, 0) == -ENOMEM,
                "a part of a mapping grows over the rest of it");
    PROBE_CHECK(area_find(&space->areas, a + 6 * page) && area_find(&space->areas, a + 8 * page) &&
                    *probe_byte(a + 7 * page) == 8,
                "a part of a mapping that cannot grow takes the rest of it with it: %s",
                probe_areas());
    long moved = remap(a + 4 * page, 2, 3, 1, 0);
    PROBE_CHECK(moved == (long)(a + 9 * page) && !area_find(&space->areas, a + 4 * page) &&
                    area_find(&space->areas, a + 3 * page) &&
                    area_find(&space->areas, a + 6 * page) && *probe_byte(a + 6 * page) == 7 &&
                    *probe_byte((uint64_t)moved + page) == 6,
                "a part of a mapping that grows elsewhere, to 0x%lx: %s", moved, probe_areas());
    /* To the pages that end where it begins, and to those that begin where it ends. */
    uint64_t c = MMAP_BASE + (1UL << 31);
    probe_map(c, 3, rw, ANON | MAP_FIXED_NOREPLACE, -1UL, 0);
    mark(c, 3);
    moved = remap(c, 3, 3, 3, c - 3 * page);
    PROBE_CHECK(moved == (long)(c - 3 * page) && !area_find(&space->areas, c),
                "mremap() to the pages before the mapping returned %s: %s", probe_answer(moved),
                probe_areas());
    moved = remap(c - 3 * page, 3, 3, 3, c);
    PROBE_CHECK(moved == (long)c && !area_find(&space->areas, c - page),
                "mremap() to the pages behind the mapping returned %s: %s", probe_answer(moved),
                probe_areas());
    expect_marks(c, 3, "moved by its own length, and back");
    moved = remap(c, 3, 3, 3, USER_END - 3 * page);
    PROBE_CHECK(moved == (long)(USER_END - 3 * page),
                "mremap() to the last pages below USER_END returned %s", probe_answer(moved));
    probe_unmap(USER_END - 3 * page, 3);
    /* Not beyond the part for mappings. */
    uint64_t b = probe_map(MMAP_END - 2 * page, 2, rw, ANON | MAP_FIXED_NOREPLACE, -1UL, 0);
    mark(b, 2);
    PROBE_CHECK(remap(b, 2, 4, 0, 0) == -ENOMEM, "a mapping grows beyond MMAP_END");
    moved = remap(b, 2, 4, 1, 0);
    PROBE_CHECK(moved == (long)(a + 12 * page), "what would grow beyond MMAP_END moves to 0x%lx",
                moved);
    expect_marks((uint64_t)moved, 2, "moved from MMAP_END");
}

/* Sizes of more than 4 GiB: grown in its place, moved, made smaller; a page at each end. */
static void remap_large(void)
{
    const uint64_t pages = (5UL << 30) / PAGE_SIZE, last = (5UL << 30) - PAGE_SIZE;
    probe_new_space();
    struct space *space = probe_process.space;
    uint64_t a = probe_map(0, 2, PROT_READ | PROT_WRITE, ANON, -1UL, 0);
    mark(a, 2);
    PROBE_CHECK(remap(a, 2, pages, 0, 0) == (long)a && area_find(&space->areas, a + last),
                "mremap() to 5 GiB, with room behind, does not grow there: %s", probe_areas());
    mark(a + last, 1);
    uint64_t to = MMAP_BASE + (8UL << 30);
    PROBE_CHECK(remap(a, pages, pages + 1, 3, to) == (long)to, "5 GiB do not move");
    expect_marks(to, 2, "5 GiB, moved");
    expect_marks(to + last, 1, "the last page of 5 GiB, moved");
    PROBE_CHECK(!area_find(&space->areas, a) && !area_find(&space->areas, a + last),
                "5 GiB that have moved are still where they were: %s", probe_areas());
    PROBE_CHECK(remap(to, pages + 1, pages, 0, 0) == (long)to &&
                    area_find(&space->areas, to + last) &&
                    !area_find(&space->areas, to + last + PAGE_SIZE),
                "5 GiB and a page do not become 5 GiB: %s", probe_areas());
    PROBE_CHECK(remap(to, pages, 1, 0, 0) == (long)to &&
                    !area_find(&space->areas, to + PAGE_SIZE) && probe_leaves(&space->table) == 1,
                "5 GiB do not become a page: %s", probe_areas());
    expect_marks(to, 1, "made smaller");
}

/* Part of a mapping moves, with so much of the kernel's memory: all is there, in one place or in another. */
static bool remap_with(size_t bytes)
{
    enum { PAGES = 6, FIRST = 2, MOVED = 2 };
    probe_new_space();
    struct space *space = probe_process.space;
    uint64_t a = probe_map(0, PAGES, PROT_READ | PROT_WRITE, ANON, -1UL, 0);
    uint64_t part = a + FIRST * PAGE_SIZE, to = MMAP_BASE + (1UL << 31);
    mark(a, PAGES);
    probe_scarce_begin();
    probe_scarce_leave(bytes);
    long result = remap(part, MOVED, MOVED + 1, 3, to);
    probe_scarce_end();
    bool moved = result == (long)to;
    PROBE_CHECK(moved || result == -ENOMEM,
                "mremap() of the middle of an area, with %zu bytes of kernel memory, returned %s",
                bytes, probe_answer(result));
    for (uint64_t page = 0; page < PAGES; page++) {
        bool away = moved && page >= FIRST && page < FIRST + MOVED;
        uint64_t va = away ? to + (page - FIRST) * PAGE_SIZE : a + page * PAGE_SIZE;
        PROBE_CHECK(area_find(&space->areas, va) && *probe_byte(va) == page + 1 &&
                        !away == !!area_find(&space->areas, a + page * PAGE_SIZE),
                    "mremap() of the middle of an area, with %zu bytes of kernel memory, returned "
                    "%s, and page %lu is not where it should be: %s",
                    bytes, probe_answer(result), page, probe_areas());
    }
    probe_unmap(MMAP_BASE, (MMAP_END - MMAP_BASE) / PAGE_SIZE);
    page_table->destroy(&space->table);
    return moved;
}

/* Without memory of the kernel's for what it takes; and where unmap_range() or find_unmapped_area() fail. */
static void remap_without_memory(void)
{
    enum { STEP = 64, MOST = 2048 };
    size_t heap = kmalloc_free_bytes(), bytes = 0;
    long frames = probe_frames;
    while (bytes <= MOST && !remap_with(bytes))
        bytes += STEP;
    PROBE_CHECK(bytes <= MOST, "mremap() of the middle of an area does not work");
    PROBE_CHECK(probe_frames == frames && kmalloc_free_bytes() == heap,
                "mremap() without kernel memory has lost %ld frames, %ld bytes",
                probe_frames - frames, (long)(heap - kmalloc_free_bytes()));

    probe_new_space();
    uint64_t a = probe_map(0, 3, PROT_READ | PROT_WRITE, ANON, -1UL, 0);
    mark(a, 3);
    probe_cannot_unmap = true;
    long smaller = remap(a, 3, 2, 0, 0), fixed = remap(a, 3, 3, 3, MMAP_BASE + (1UL << 31));
    probe_cannot_unmap = false;
    PROBE_CHECK(smaller == -ENOMEM,
                "mremap() to a smaller size, where unmap_range() fails, returned %s",
                probe_answer(smaller));
    PROBE_CHECK(fixed == -ENOMEM,
                "mremap() with MREMAP_FIXED, where unmap_range() fails, returned %s",
                probe_answer(fixed));
    expect_marks(a, 3, "after unmap_range() has failed");
}

static void only_page_3(uint64_t index)
{
    PROBE_CHECK(index == 3, "page %lu of a file is written, and nobody has stored to it", index);
}

/* Of a shared mapping, what has been written is written to the file, wherever it is; and only that. */
static void remap_shared(void)
{
    if (!shared_file_backend())
        return; /* task 5.5 */
    probe_new_space();
    fake_open(20 * PAGE_SIZE, O_RDWR);
    fake.on_write = only_page_3;
    uint64_t a = probe_map(0, 3, PROT_READ | PROT_WRITE, MAP_SHARED, FAKE_FD, 2 * PAGE_SIZE);
    uint64_t to = MMAP_BASE + (1UL << 32);
    PROBE_CHECK(probe_touch(a, ACCESS_READ) == 0 && probe_touch(a + PAGE_SIZE, ACCESS_WRITE) == 0,
                "a shared mapping cannot be touched");
    probe_cpu_stores(a + PAGE_SIZE, 0x77);
    PROBE_CHECK(remap(a, 3, 3, 3, to) == (long)to, "a shared mapping does not move");
    PROBE_CHECK(*probe_byte(to + PAGE_SIZE) == 0x77 && *probe_byte(to) == fake_byte(2 * PAGE_SIZE),
                "a shared mapping that has moved shows something else");
    probe_unmap(to, 3);
    PROBE_CHECK(fake.stored[3] == 0x77,
                "a page of a shared mapping was written, then moved; it never came to the file");
}

/* Smaller, larger, elsewhere: pages keep their content and their frames. */
void remap_moves(unsigned long argument)
{
    (void)argument;
    const unsigned rw = PROT_READ | PROT_WRITE;
    probe_new_space();
    struct space *space = probe_process.space;
    uint64_t a = probe_map(0, 4, rw, ANON, -1UL, 0);
    mark(a, 4);
    long frames = probe_frames;
    PROBE_CHECK(remap(a, 4, 4, 0, 0) == (long)a, "mremap() to the same size moves");
    PROBE_CHECK(remap(a, 4, 9, 0, 0) == (long)a && area_find(&space->areas, a + 8 * PAGE_SIZE),
                "mremap() to a larger size, with room behind, does not grow there");
    PROBE_CHECK(probe_frames == frames, "mremap() has taken %ld frames", probe_frames - frames);
    expect_marks(a, 4, "grown in its place");
    PROBE_CHECK(remap(a, 9, 3, 0, 0) == (long)a && !area_find(&space->areas, a + 3 * PAGE_SIZE) &&
                    !probe_leaf(&space->table, a + 3 * PAGE_SIZE),
                "mremap() to a smaller size leaves something behind");
    expect_marks(a, 3, "made smaller");
    uint64_t wall = probe_map(a + 4 * PAGE_SIZE, 1, PROT_READ, ANON | MAP_FIXED_NOREPLACE, -1UL, 0);
    PROBE_CHECK(remap(a, 3, 8, 0, 0) == -ENOMEM, "without room, and MREMAP_MAYMOVE, it grows");
    expect_marks(a, 3, "not grown");
    frames = probe_frames - (long)probe_tables(&space->table);
    uintptr_t first = pte_frame(probe_leaf(&space->table, a));
    long moved = remap(a, 3, 8, 1, 0);
    PROBE_CHECK(moved == (long)(wall + PAGE_SIZE), "without room it moves to 0x%lx, not 0x%lx",
                moved, wall + PAGE_SIZE);
    PROBE_CHECK(!area_find(&space->areas, a) && !probe_leaf(&space->table, a),
                "what has moved is still where it was");
    PROBE_CHECK(pte_frame(probe_leaf(&space->table, (uint64_t)moved)) == first &&
                    probe_frames - (long)probe_tables(&space->table) == frames,
                "what moves has other frames, or more");
    expect_marks((uint64_t)moved, 3, "moved");
    PROBE_CHECK(probe_touch((uint64_t)moved + 7 * PAGE_SIZE, ACCESS_WRITE) == 0,
                "the pages that it has gained cannot be touched");
    /* A part of a mapping, to a place where something is. */
    uint64_t b = probe_map(0, 6, rw, ANON, -1UL, 0), to = MMAP_BASE + (1UL << 31);
    mark(b, 6);
    probe_map(to, 5, PROT_READ, ANON | MAP_FIXED_NOREPLACE, -1UL, 0);
    moved = remap(b, 3, 4, 3, to + PAGE_SIZE);
    PROBE_CHECK(moved == (long)(to + PAGE_SIZE), "mremap() with MREMAP_FIXED and 0x%lx returned %s",
                to + PAGE_SIZE, probe_answer(moved));
    expect_marks(to + PAGE_SIZE, 3, "moved to a fixed place");
    PROBE_CHECK(!area_find(&space->areas, b) && area_find(&space->areas, b + 3 * PAGE_SIZE) &&
                    *probe_byte(b + 3 * PAGE_SIZE) == 4,
                "of a mapping of which a part has moved, the rest is not what it was: %s",
                probe_areas());
    PROBE_CHECK(area_find(&space->areas, to) &&
                    area_find(&space->areas, to + PAGE_SIZE)->prot == RW_U,
                "MREMAP_FIXED has not replaced what was there: %s", probe_areas());
    /* Of a file, the place in it. */
    fake_open(20 * PAGE_SIZE, O_RDWR);
    uint64_t c = probe_map(0, 4, PROT_READ, MAP_PRIVATE, FAKE_FD, 3 * PAGE_SIZE);
    probe_map(0, 1, PROT_READ, ANON, -1UL, 0);
    moved = remap(c + PAGE_SIZE, 3, 6, 1, 0);
    PROBE_CHECK(moved > 0, "a mapping of a file does not move: %ld", moved);
    for (uint64_t page = 0; page < 6; page++)
        PROBE_CHECK(probe_touch((uint64_t)moved + page * PAGE_SIZE, ACCESS_READ) == 0 &&
                        *probe_byte((uint64_t)moved + page * PAGE_SIZE) ==
                            fake_byte((4 + page) * PAGE_SIZE),
                    "page %lu of a mapping of a file that has moved shows something else", page);
    /* And whether its pages may have been written. */
    uint64_t written = probe_map(0, 1, rw, MAP_PRIVATE, FAKE_FD, 0);
    mark(written, 1);
    probe_protect(written, 1, PROT_READ);
    PROBE_CHECK(remap(written, 1, 1, 3, to + (1UL << 32)) > 0 &&
                    area_find(&space->areas, to + (1UL << 32))->modified,
                "a private mapping was written, made one for reading, and moved: it is not "
                "area->modified any more");
    probe_unmap(to + (1UL << 32), 1);
    probe_unmap(c, 1);
    probe_unmap((uint64_t)moved, 6);
    PROBE_CHECK(
        fake.file.references == 2,
        "a mapping of a file has moved, all is unmapped, and the file has %u references, not 2",
        fake.file.references);
    const struct {
        uint64_t address, old, size, flags, to;
        long result;
    } calls[] = {
        {to + PAGE_SIZE + 1, PAGE_SIZE, PAGE_SIZE, 1, 0, -EINVAL},
        {to + PAGE_SIZE, PAGE_SIZE, PAGE_SIZE, 8, 0, -EINVAL},
        {to + PAGE_SIZE, PAGE_SIZE, PAGE_SIZE, 2, 1UL << 33, -EINVAL},
        {to + PAGE_SIZE, PAGE_SIZE, 0, 1, 0, -EINVAL},
        {to + PAGE_SIZE, 0, PAGE_SIZE, 1, 0, -EINVAL},
        {to + PAGE_SIZE, PAGE_SIZE, PAGE_SIZE, 3, (1UL << 33) + 1, -EINVAL},
        {to + PAGE_SIZE, PAGE_SIZE, PAGE_SIZE, 3, USER_END, -EINVAL},
        {to + PAGE_SIZE, PAGE_SIZE, PAGE_SIZE, 3, MMAP_MIN - PAGE_SIZE, -EINVAL},
        {to + PAGE_SIZE, 2 * PAGE_SIZE, 2 * PAGE_SIZE, 3, to + 2 * PAGE_SIZE, -EINVAL},
        {to + PAGE_SIZE, 2 * PAGE_SIZE, 2 * PAGE_SIZE, 3, to, -EINVAL},
        {to - PAGE_SIZE, PAGE_SIZE, 2 * PAGE_SIZE, 1, 0, -EFAULT},
        {to, 3 * PAGE_SIZE, 4 * PAGE_SIZE, 1, 0, -EFAULT},
        {TRAMPOLINE, PAGE_SIZE, 2 * PAGE_SIZE, 1, 0, -EFAULT},
        {to + PAGE_SIZE, 4 * PAGE_SIZE, USER_END, 1, 0, -ENOMEM},
        {to + PAGE_SIZE, (1UL << 32) + PAGE_SIZE, PAGE_SIZE, 1, 0, -EFAULT},
        {to + PAGE_SIZE + (1UL << 32), PAGE_SIZE, PAGE_SIZE, 1, 0, -EFAULT},
        {to + PAGE_SIZE, PAGE_SIZE, -1UL, 1, 0, -EINVAL},
        {to + PAGE_SIZE, -1UL, PAGE_SIZE, 1, 0, -EINVAL},
        {to + PAGE_SIZE, PAGE_SIZE, PAGE_SIZE, 1UL << 31 | 1, 0, -EINVAL},
        {to + PAGE_SIZE, PAGE_SIZE, PAGE_SIZE, 3, -PAGE_SIZE, -EINVAL},
        {to + PAGE_SIZE, PAGE_SIZE, 1UL << 32, 3, USER_END - PAGE_SIZE, -EINVAL},
    };
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        long result = probe_call(SYS_MREMAP, calls[i].address, calls[i].old, calls[i].size,
                                 calls[i].flags, calls[i].to, 0);
        PROBE_CHECK(result == calls[i].result,
                    "mremap(0x%lx, 0x%lx, 0x%lx, %lu, 0x%lx) returned %ld, not %ld",
                    calls[i].address, calls[i].old, calls[i].size, calls[i].flags, calls[i].to,
                    result, calls[i].result);
    }
    expect_marks(to + PAGE_SIZE, 3, "after calls that are refused");
    remap_large();
    remap_parts();
    remap_shared();
}

/* Each frame refused in turn while a mapping moves: it is where it was, or where it should be. */
void remap_memory(unsigned long argument)
{
    (void)argument;
    enum { PAGES = 4 };
    remap_without_memory();
    size_t heap = kmalloc_free_bytes();
    for (uint64_t n = 0; n < 20; n++) {
        long frames = probe_frames;
        probe_new_space();
        struct space *space = probe_process.space;
        /* Across two tables, so that one may be had and the other not; and from two, of which the first is empty then. */
        uint64_t to = MMAP_BASE + (3UL << 30) + (2 << 20) - 3 * PAGE_SIZE;
        uint64_t a = probe_map(MMAP_BASE + (2 << 20) - 2 * PAGE_SIZE, PAGES, PROT_READ | PROT_WRITE,
                               ANON, -1UL, 0);
        mark(a, PAGES);
        probe_refused = 0;
        probe_refuse = n, probe_refuse_rest = true;
        long result = remap(a, PAGES, PAGES, 3, to);
        probe_refuse = 0, probe_refuse_rest = false;
        PROBE_CHECK(result == (long)to || (result == -ENOMEM && probe_refused),
                    "mremap() without frame %lu returned %ld", n, result);
        expect_marks(result > 0 ? to : a, PAGES,
                     result > 0 ? "moved" : "mremap() had no memory to move it");
        PROBE_CHECK(!area_find(&space->areas, result > 0 ? a : to),
                    "mremap() without frame %lu has left it at both places, or at none: %s", n,
                    probe_areas());
        probe_unmap(MMAP_BASE, (MMAP_END - MMAP_BASE) / PAGE_SIZE);
        page_table->destroy(&space->table);
        PROBE_CHECK(probe_frames == frames && kmalloc_free_bytes() == heap,
                    "mremap() without frame %lu has lost %ld frames, or kernel memory", n,
                    probe_frames - frames);
        if (n > 0 && !probe_refused)
            return;
    }
}
