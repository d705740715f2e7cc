/* unmap.c: probes of munmap(), and of MAP_FIXED, which unmaps what is in its way (task 5.4). */
#include "errno.h"
#include "frame.h"
#include "kmalloc.h"
#include "memory.h"
#include "probes.h"
#include "string.h"

enum { PAGES = 12, BEFORE = 2 };

/* A mapping of a file, all of whose pages are there, between two neighbours; returns where. */
static uint64_t mapped_file(void)
{
    probe_new_space();
    fake_open(30 * PAGE_SIZE, O_RDONLY);
    probe_map(MMAP_BASE, 2, PROT_READ, ANON | MAP_FIXED_NOREPLACE, -1UL, 0);
    uint64_t start = MMAP_BASE + 4 * PAGE_SIZE;
    probe_map(start, PAGES, PROT_READ, MAP_PRIVATE | MAP_FIXED_NOREPLACE, FAKE_FD,
              BEFORE * PAGE_SIZE);
    probe_map(start + PAGES * PAGE_SIZE, 3, PROT_READ | PROT_WRITE, ANON | MAP_FIXED_NOREPLACE,
              -1UL, 0);
    for (uint64_t page = 0; page < PAGES + 3; page++)
        PROBE_CHECK(probe_touch(start + page * PAGE_SIZE, ACCESS_READ) == 0,
                    "page %lu cannot be read", page);
    return start;
}

/* Of the mapping made by mapped_file() only [gone, behind) is missing, in areas and in pages; the rest reads on. */
static void expect_gone(uint64_t start, uint64_t gone, uint64_t behind, const char *what)
{
    struct space *space = probe_process.space;
    for (uint64_t page = 0; page < PAGES + 3; page++) {
        uint64_t va = start + page * PAGE_SIZE;
        const struct area *area = area_find(&space->areas, va);
        bool in = page < gone || page >= behind;
        PROBE_CHECK(in == (area != NULL), "%s: page %lu lies in %s area; areas: %s", what, page,
                    area ? "an" : "no", probe_areas());
        PROBE_CHECK(in == (probe_leaf(&space->table, va) != 0), "%s: page %lu is %s", what, page,
                    in ? "gone" : "still in the page table");
        if (!in || page >= PAGES)
            continue;
        PROBE_CHECK(area->file == &fake.file &&
                        area->offset + (va - area->start) == (BEFORE + page) * PAGE_SIZE,
                    "%s: page %lu now shows the file from 0x%lx on, not 0x%lx", what, page,
                    area->offset + (va - area->start), (BEFORE + page) * PAGE_SIZE);
        PROBE_CHECK(*probe_byte(va) == fake_byte((BEFORE + page) * PAGE_SIZE),
                    "%s: page %lu has another content", what, page);
    }
    /* Pages that are left, brought in anew, show the same. */
    struct area *area = NULL;
    while ((area = area_next(&space->areas, area)))
        if (area->file)
            area->backend->drop(space, area, area->start, area->end);
    for (uint64_t page = 0; page < PAGES; page++) {
        if (page >= gone && page < behind)
            continue;
        PROBE_CHECK(probe_touch(start + page * PAGE_SIZE, ACCESS_READ) == 0 &&
                        *probe_byte(start + page * PAGE_SIZE) ==
                            fake_byte((BEFORE + page) * PAGE_SIZE),
                    "%s: page %lu, dropped and read again, has another content", what, page);
    }
}

/* A mapping is cut at its front, at its back, in its middle; across its ends; and all of it goes. */
void unmap_cuts(unsigned long argument)
{
    (void)argument;
    const struct {
        uint64_t first, end;
        const char *what;
    } cuts[] = {
        {0, 3, "munmap() of the front"},
        {9, PAGES, "munmap() of the back"},
        {4, 7, "munmap() of the middle"},
        {0, PAGES, "munmap() of all"},
        {5, 6, "munmap() of one page"},
        {10, PAGES + 1, "munmap() across two mappings"},
        {0, PAGES + 3, "munmap() of two mappings"},
    };
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        uint64_t start = mapped_file(), first = start + cuts[i].first * PAGE_SIZE;
        uint64_t size = (cuts[i].end - cuts[i].first) * PAGE_SIZE;
        long frames = probe_frames;
        size_t tables = probe_tables(&probe_process.space->table);
        /* Twice: where nothing is there is nothing to do.  A length need not be whole pages. */
        for (int round = 0; round < 2; round++) {
            long result = probe_call(SYS_MUNMAP, first, size - round * 5, 0, 0, 0, 0);
            PROBE_CHECK(result == 0, "%s returned %ld", cuts[i].what, result);
        }
        long back = frames - probe_frames;
        long fewer = (long)(tables - probe_tables(&probe_process.space->table));
        expect_gone(start, cuts[i].first, cuts[i].end, cuts[i].what);
        PROBE_CHECK(back - fewer == (long)(cuts[i].end - cuts[i].first),
                    "%s, %lu pages: %ld frames came back", cuts[i].what,
                    cuts[i].end - cuts[i].first, back - fewer);
    }
    /* Over holes, from nothing to nothing. */
    uint64_t start = mapped_file();
    probe_unmap(start + 2 * PAGE_SIZE, 1);
    probe_unmap(start + 5 * PAGE_SIZE, 2);
    probe_unmap(MMAP_BASE + PAGE_SIZE, 12);
    expect_gone(start, 0, 9, "munmap() over holes");
    PROBE_CHECK(area_find(&probe_process.space->areas, MMAP_BASE) &&
                    !area_find(&probe_process.space->areas, MMAP_BASE + PAGE_SIZE),
                "munmap() over holes has cut the area before wrongly: %s", probe_areas());
    probe_unmap(MMAP_MIN, (USER_END - MMAP_MIN) / PAGE_SIZE);
    PROBE_CHECK(probe_process.space->areas.count == 0 &&
                    probe_leaves(&probe_process.space->table) == 0,
                "munmap() of all that there is has left something: %s", probe_areas());
    PROBE_CHECK(fake.file.references == 2,
                "nothing is mapped, and the file has %u references, not 2", fake.file.references);

    const struct {
        uint64_t address, length;
        long result;
    } calls[] = {
        {MMAP_BASE, 0, -EINVAL},
        {MMAP_BASE + 1, PAGE_SIZE, -EINVAL},
        {MMAP_BASE + PAGE_SIZE - 1, 1, -EINVAL},
        {MMAP_BASE, -1UL, -EINVAL},
        {MMAP_BASE, -4096UL, -EINVAL},
        {MMAP_BASE, USER_END, -EINVAL},
        {USER_END, PAGE_SIZE, -EINVAL},
        {TRAMPOLINE, PAGE_SIZE, -EINVAL},
        {-4096UL, PAGE_SIZE, -EINVAL},
        {USER_END - PAGE_SIZE, PAGE_SIZE, 0},
        {USER_END - PAGE_SIZE, PAGE_SIZE + 1, -EINVAL},
        {MMAP_BASE, 1, 0},
        {0, PAGE_SIZE, 0},
    };
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        start = mapped_file();
        size_t count = probe_process.space->areas.count;
        long result = probe_call(SYS_MUNMAP, calls[i].address, calls[i].length, 0, 0, 0, 0);
        PROBE_CHECK(result == calls[i].result, "munmap(0x%lx, 0x%lx) returned %ld, not %ld",
                    calls[i].address, calls[i].length, result, calls[i].result);
        PROBE_CHECK(result == 0 || probe_process.space->areas.count == count,
                    "munmap(0x%lx, 0x%lx) is refused, and has unmapped something", calls[i].address,
                    calls[i].length);
    }
}

/* MAP_FIXED takes the place of what is there, and only of that; what cannot be mapped costs nothing. */
void unmap_fixed(unsigned long argument)
{
    (void)argument;
    uint64_t start = mapped_file(), at = start + 4 * PAGE_SIZE;
    const struct {
        uint64_t length;
        unsigned prot, flags;
        uint64_t fd, offset;
    } wrong[] = {
        {0, PROT_READ, ANON, -1UL, 0},
        {3 * PAGE_SIZE, PROT_READ, MAP_ANONYMOUS, -1UL, 0},
        {3 * PAGE_SIZE, PROT_READ, MAP_PRIVATE, 9, 0},
        {3 * PAGE_SIZE, PROT_READ, MAP_PRIVATE, FAKE_FD, 5},
        {3 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, FAKE_FD, 0},
        {USER_END, PROT_READ, ANON, -1UL, 0},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        long result = probe_call(SYS_MMAP, at, wrong[i].length, wrong[i].prot,
                                 wrong[i].flags | MAP_FIXED, wrong[i].fd, wrong[i].offset);
        PROBE_CHECK(result < 0, "mmap() of what cannot be mapped returned 0x%lx", result);
    }
    /* Nor without a backend, or kernel memory for a file without a name. */
    const unsigned kinds[] = {MAP_PRIVATE, MAP_SHARED, MAP_SHARED | MAP_ANONYMOUS};
    probe_backends = (struct probe_backends){.replaced = true};
    for (size_t i = 0; i < 3; i++) {
        long result =
            probe_call(SYS_MMAP, at, 3 * PAGE_SIZE, PROT_READ, kinds[i] | MAP_FIXED, FAKE_FD, 0);
        PROBE_CHECK(result == -ENODEV, "mmap() with flags 0x%x, without a backend, returned %ld",
                    kinds[i] | MAP_FIXED, result);
    }
    probe_backends.replaced = false;
    expect_gone(start, 99, 99, "MAP_FIXED of what cannot be mapped");

    PROBE_CHECK(probe_map(at, 3, PROT_READ | PROT_WRITE, ANON | MAP_FIXED, -1UL, 0) == at,
                "MAP_FIXED leads elsewhere");
    for (uint64_t page = 4; page < 7; page++) {
        const struct area *area = area_find(&probe_process.space->areas, start + page * PAGE_SIZE);
        PROBE_CHECK(area && area->prot == RW_U && !area->file,
                    "page %lu is not what MAP_FIXED has put there; areas: %s", page, probe_areas());
        PROBE_CHECK(!probe_leaf(&probe_process.space->table, start + page * PAGE_SIZE),
                    "MAP_FIXED has left the page that was there");
    }
    probe_unmap(at, 3);
    expect_gone(start, 4, 7, "MAP_FIXED in the middle, and munmap() of it");

    /* Over two neighbours and a hole; the new one is large, and takes a place and a half. */
    start = mapped_file();
    probe_unmap(start + 3 * PAGE_SIZE, 2);
    at = start + 2 * PAGE_SIZE;
    PROBE_CHECK(probe_map(at, PAGES - 1, PROT_READ, ANON | MAP_FIXED, -1UL, 0) == at,
                "MAP_FIXED leads elsewhere");
    PROBE_CHECK(probe_coalesced(at, at + (PAGES - 1) * PAGE_SIZE) == 1,
                "what MAP_FIXED has mapped is not in one piece: %s", probe_areas());
    probe_unmap(at, PAGES - 1);
    expect_gone(start, 2, PAGES + 1, "MAP_FIXED over two mappings and a hole, and munmap() of it");
}

/* 10,000 areas of a page, from one of 20,000 pages; no memory to cut; and all comes back. */
void unmap_many(unsigned long argument)
{
    (void)argument;
    enum { MANY = 10000 };
    size_t heap = kmalloc_free_bytes();
    long frames = probe_frames;
    probe_new_space();
    struct space *space = probe_process.space;
    uint64_t start = probe_map(0, 2 * MANY, PROT_READ | PROT_WRITE, ANON, -1UL, 0);
    for (uint64_t i = 0; i < MANY; i++) {
        probe_unmap(start + (2 * i + 1) * PAGE_SIZE, 1);
        if (i % 100 == 0)
            probe_touch(start + 2 * i * PAGE_SIZE, ACCESS_WRITE);
    }
    PROBE_CHECK(space->areas.count == MANY, "every second of %d pages was unmapped: %zu areas",
                2 * MANY, space->areas.count);
    PROBE_CHECK(probe_map(0, 1, PROT_READ, ANON, -1UL, 0) == start + PAGE_SIZE,
                "the first hole is not found among 10,000");
    /* Without memory for a cut nothing may go. */
    void *held[64];
    size_t blocks = 0;
    uint64_t whole = probe_map(0, 9, PROT_READ, ANON, -1UL, 0);
    PROBE_CHECK(probe_touch(whole + 4 * PAGE_SIZE, ACCESS_READ) == 0, "0x%lx cannot be read",
                whole + 4 * PAGE_SIZE);
    void *spare = kmalloc(sizeof(struct area));
    for (size_t size = 1 << 20; size >= 16; size /= 2)
        while (blocks < 64 && (held[blocks] = kmalloc(size)))
            blocks++;
    long result;
    for (int cuts = 0; cuts < 2; cuts++) {
        if (cuts == 1) {
            kfree(spare);
            spare = NULL;
        }
        result = probe_call(SYS_MUNMAP, whole + 3 * PAGE_SIZE, 3 * PAGE_SIZE, 0, 0, 0, 0);
        PROBE_CHECK(result == -ENOMEM || result == 0,
                    "munmap() with memory for %d of two cuts returned %ld", cuts, result);
        if (result == 0)
            break;
    }
    PROBE_CHECK(result == 0 || probe_leaf(&space->table, whole + 4 * PAGE_SIZE),
                "munmap() without memory for a cut says -ENOMEM, and a page is gone");
    PROBE_CHECK(result != 0 || (!area_find(&space->areas, whole + 4 * PAGE_SIZE) &&
                                !probe_leaf(&space->table, whole + 4 * PAGE_SIZE)),
                "munmap() without memory for a cut says that it has worked, and it has not");
    PROBE_CHECK(area_find(&space->areas, whole) && area_find(&space->areas, whole + 8 * PAGE_SIZE),
                "munmap() of the middle, without memory, has unmapped the ends");
    kfree(spare);
    while (blocks > 0)
        kfree(held[--blocks]);
    probe_unmap(start, 2 * MANY + 9);
    PROBE_CHECK(space->areas.count == 0 && probe_leaves(&space->table) == 0,
                "munmap() over 10,000 areas has left %zu of them", space->areas.count);
    page_table->destroy(&space->table);
    PROBE_CHECK(probe_frames == frames, "10,000 areas have kept %ld frames", probe_frames - frames);
    PROBE_CHECK(kmalloc_free_bytes() == heap, "10,000 areas have kept %ld bytes of kernel memory",
                (long)(heap - kmalloc_free_bytes()));
}
