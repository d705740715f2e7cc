/* mmap.c: probes of mmap() for memory (task 5.2), and what it does when there is none. */
#include "errno.h"
#include "frame.h"
#include "kmalloc.h"
#include "memory.h"
#include "probes.h"

/* Is [start, start + pages) mapped like this, in one piece or in several that go on? */
static void expect_area(uint64_t start, uint64_t pages, unsigned prot,
                        const struct backend *backend)
{
    uint64_t end = start + pages * PAGE_SIZE;
    for (uint64_t va = start; va < end; va += PAGE_SIZE) {
        const struct area *area = area_find(&probe_process.space->areas, va);
        PROBE_CHECK(area, "0x%lx, just mapped, lies in no area", va);
        PROBE_CHECK(area->prot == prot, "an area mapped with %s is %s", probe_prot(prot),
                    probe_prot(area->prot));
        PROBE_CHECK(area->backend == backend, "the backend of 0x%lx is \"%s\", not \"%s\"", va,
                    area->backend->name, backend->name);
    }
    PROBE_CHECK(!area_find(&probe_process.space->areas, end), "0x%lx, behind, is mapped, too", end);
}

static bool is_zero(const uint8_t *page)
{
    for (size_t i = 0; i < PAGE_SIZE; i++)
        if (page[i] != 0)
            return false;
    return true;
}

/* Memory on request: where it lies, what it permits, what it costs. */
void mmap_anonymous(unsigned long argument)
{
    (void)argument;
    enum { PAGES = 1000 };
    probe_new_space();
    struct space *space = probe_process.space;
    long frames = probe_frames;
    uint64_t start = probe_map(0, PAGES, PROT_READ | PROT_WRITE, ANON, -1UL, 0);
    PROBE_CHECK(start == MMAP_BASE, "the first place is 0x%lx, not MMAP_BASE", start);
    expect_area(start, PAGES, RW_U, spaces->anonymous);
    PROBE_CHECK(probe_frames == frames && probe_leaves(&space->table) == 0,
                "%d pages that nobody has touched have taken %ld frames", PAGES,
                probe_frames - frames);
    for (uint64_t i = 0; i < 17; i++) {
        uint64_t va = start + i * 59 * PAGE_SIZE + i;
        PROBE_CHECK(probe_touch(va, i % 2 ? ACCESS_WRITE : ACCESS_READ) == 0,
                    "0x%lx, just mapped, cannot be touched", va);
        PROBE_CHECK(probe_leaves(&space->table) == i + 1, "%lu pages were touched, %zu are there",
                    i + 1, probe_leaves(&space->table));
        PROBE_CHECK(is_zero(probe_byte(page_down(va))), "the page at 0x%lx is not zero",
                    page_down(va));
    }
    PROBE_CHECK(probe_touch(start + PAGES * PAGE_SIZE, ACCESS_READ) == -EFAULT,
                "the page behind a mapping can be touched");

    /* Behind it, at a hint, at an address. */
    uint64_t next = probe_map(0, 3, PROT_READ, ANON, -1UL, 0);
    PROBE_CHECK(next == start + PAGES * PAGE_SIZE, "the next place is 0x%lx, not 0x%lx", next,
                start + PAGES * PAGE_SIZE);
    expect_area(next, 3, PROT_READ | PROT_USER, spaces->anonymous);
    uint64_t hint = MMAP_BASE + 0x40000000;
    PROBE_CHECK(probe_map(hint, 2, PROT_NONE, ANON, -1UL, 0) == hint, "a hint is not followed");
    expect_area(hint, 2, PROT_USER, spaces->anonymous);
    PROBE_CHECK(probe_touch(hint, ACCESS_READ) == -EFAULT, "what is PROT_NONE can be read");
    const uint64_t low = 0x5000000;
    PROBE_CHECK(probe_map(low, 4, PROT_READ | PROT_EXEC, ANON | MAP_FIXED_NOREPLACE, -1UL, 0) ==
                    low,
                "MAP_FIXED_NOREPLACE where nothing is leads elsewhere");
    expect_area(low, 4, PROT_READ | PROT_EXEC | PROT_USER, spaces->anonymous);
    const char *areas = probe_areas();
    size_t count = space->areas.count;
    const uint64_t taken[] = {low, low + 3 * PAGE_SIZE, low - 2 * PAGE_SIZE};
    for (size_t i = 0; i < 6; i++) {
        unsigned flags = ANON | MAP_FIXED_NOREPLACE | (i < 3 ? 0 : MAP_FIXED);
        long result = probe_call(SYS_MMAP, taken[i % 3], 3 * PAGE_SIZE, PROT_READ, flags, -1UL, 0);
        PROBE_CHECK(result == -EEXIST,
                    "MAP_FIXED_NOREPLACE%s at 0x%lx, of 3 pages, returned %ld; areas: %s",
                    i < 3 ? "" : " with MAP_FIXED", taken[i % 3], result, areas);
    }
    PROBE_CHECK(space->areas.count == count, "what is refused has changed the areas: %s",
                probe_areas());
    PROBE_CHECK(probe_map(low - 3 * PAGE_SIZE, 3, PROT_READ, ANON | MAP_FIXED_NOREPLACE, -1UL, 0) ==
                    low - 3 * PAGE_SIZE,
                "MAP_FIXED_NOREPLACE just below an area leads elsewhere");
    long huge = probe_call(SYS_MMAP, 0, 100UL << 30, PROT_READ | PROT_WRITE, ANON, -1UL, 0);
    PROBE_CHECK(huge > 0, "100 GiB of memory, untouched, are refused: %ld", huge);
    for (uint64_t at = 0; at <= 100; at += 20) {
        uint64_t va = (uint64_t)huge + (at << 30) - (at == 100 ? 1 : 0);
        PROBE_CHECK(probe_touch(va, ACCESS_WRITE) == 0 && is_zero(probe_byte(page_down(va))),
                    "of 100 GiB of memory the page at 0x%lx cannot be touched, or is not zero", va);
    }
    PROBE_CHECK(probe_call(SYS_MMAP, 0, 100UL << 30, PROT_READ, ANON, -1UL, 0) == -ENOMEM,
                "there is no room for another 100 GiB, and mmap() does not say -ENOMEM");
}

/* With MAP_POPULATE, and where all pages are to be there, they come at once. */
void mmap_populate(unsigned long argument)
{
    (void)argument;
    enum { PAGES = 40 };
    probe_new_space();
    struct space *space = probe_process.space;
    for (int round = 0; round < 2; round++) {
        populate_all = round == 1;
        size_t leaves = probe_leaves(&space->table);
        uint64_t start = probe_map(0, PAGES, PROT_READ | PROT_WRITE,
                                   round == 0 ? ANON | MAP_POPULATE : ANON, -1UL, 0);
        populate_all = false;
        PROBE_CHECK(probe_leaves(&space->table) - leaves == PAGES, "%s brings in %zu of %d pages",
                    round == 0 ? "MAP_POPULATE" : "populate_all",
                    probe_leaves(&space->table) - leaves, PAGES);
        for (uint64_t i = 0; i < PAGES; i++)
            PROBE_CHECK(pte_prot(probe_leaf(&space->table, start + i * PAGE_SIZE)) == RW_U &&
                            is_zero(probe_byte(start + i * PAGE_SIZE)),
                        "page %lu is %s, or not zero", i,
                        probe_prot(pte_prot(probe_leaf(&space->table, start + i * PAGE_SIZE))));
    }
    /* That some of it cannot be had is no error, and it comes when it is touched: of however much. */
    const uint64_t lengths[] = {PAGES * PAGE_SIZE, 1UL << 32, (1UL << 32) + PAGE_SIZE};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        size_t leaves = probe_leaves(&space->table);
        probe_refuse = 20, probe_refuse_rest = true;
        long start = probe_call(SYS_MMAP, 0, lengths[i], PROT_READ | PROT_WRITE,
                                ANON | MAP_POPULATE, -1UL, 0);
        probe_refuse = 0, probe_refuse_rest = false;
        PROBE_CHECK(start > 0, "MAP_POPULATE of 0x%lx bytes with memory for some returned %ld",
                    lengths[i], start);
        size_t there = probe_leaves(&space->table) - leaves;
        PROBE_CHECK(there >= 10 && there < 20,
                    "MAP_POPULATE of 0x%lx bytes with memory for 20 pages and tables has brought "
                    "in %zu",
                    lengths[i], there);
        PROBE_CHECK(probe_touch((uint64_t)start + lengths[i] - PAGE_SIZE, ACCESS_WRITE) == 0,
                    "a page that was not brought in cannot be touched");
    }
}

static const struct backend test_private = {.name = "private"}, test_shared = {.name = "shared"};

bool probe_cannot_unmap, probe_no_place;
struct probe_backends probe_backends;

STAND_IN(private_file_backend);
const struct backend *__wrap_private_file_backend(void)
{
    return probe_backends.replaced ? probe_backends.private : __real_private_file_backend();
}

STAND_IN(shared_file_backend);
const struct backend *__wrap_shared_file_backend(void)
{
    return probe_backends.replaced ? probe_backends.shared : __real_shared_file_backend();
}

STAND_IN(unmap_range);
int __wrap_unmap_range(struct space *space, uint64_t start, uint64_t end)
{
    return probe_cannot_unmap ? -ENOMEM : __real_unmap_range(space, start, end);
}

STAND_IN(find_unmapped_area);
uint64_t __wrap_find_unmapped_area(struct space *space, uint64_t hint, uint64_t length)
{
    return probe_no_place ? 0 : __real_find_unmapped_area(space, hint, length);
}

/* No place: each kind of mapping gives back what it had by then, and says why. */
static void mmap_without_place(const unsigned kinds[3])
{
    struct space *space = probe_process.space;
    uint64_t taken = probe_map(0, 3, PROT_READ, ANON, -1UL, 0);
    const struct {
        unsigned flags;
        uint64_t address;
        long result;
        const char *what;
    } places[] = {
        {MAP_FIXED, taken, -ENOMEM, "MAP_FIXED, where unmap_range() fails,"},
        {MAP_FIXED, taken + 64 * PAGE_SIZE, -ENOMEM, "MAP_FIXED, where unmap_range() fails,"},
        {MAP_FIXED_NOREPLACE, taken, -EEXIST, "MAP_FIXED_NOREPLACE of a place that is taken"},
        {0, 0, -ENOMEM, "mmap(), where find_unmapped_area() finds nothing,"},
        {0, taken, -ENOMEM, "mmap(), where find_unmapped_area() finds nothing,"},
    };
    for (size_t i = 0; i < 3 * sizeof(places) / sizeof(places[0]); i++) {
        unsigned flags = kinds[i % 3] | places[i / 3].flags;
        size_t heap = kmalloc_free_bytes(), count = space->areas.count;
        unsigned references = fake.file.references;
        probe_cannot_unmap = probe_no_place = true;
        long result = probe_call(SYS_MMAP, places[i / 3].address, 2 * PAGE_SIZE, PROT_READ, flags,
                                 FAKE_FD, 0);
        probe_cannot_unmap = probe_no_place = false;
        PROBE_CHECK(result == places[i / 3].result, "%s with flags 0x%x, returned %s",
                    places[i / 3].what, flags, probe_answer(result));
        PROBE_CHECK(kmalloc_free_bytes() == heap && space->areas.count == count &&
                        fake.file.references == references,
                    "%s with flags 0x%x: %ld bytes of kernel memory are lost, %ld areas more, %d "
                    "references to the file",
                    places[i / 3].what, flags, (long)(heap - kmalloc_free_bytes()),
                    (long)(space->areas.count - count), (int)(fake.file.references - references));
    }
}

/* Which backend, which file, which flags an area gets. */
void mmap_kinds(unsigned long argument)
{
    (void)argument;
    probe_new_space();
    struct space *space = probe_process.space;
    fake_open(10 * PAGE_SIZE, O_RDWR);
    probe_backends = (struct probe_backends){.replaced = true};
    const unsigned kinds[] = {MAP_PRIVATE, MAP_SHARED, MAP_SHARED | MAP_ANONYMOUS};
    size_t heap = kmalloc_free_bytes();
    for (size_t i = 0; i < 3; i++) {
        long result = probe_call(SYS_MMAP, 0, PAGE_SIZE, PROT_READ, kinds[i], FAKE_FD, 0);
        PROBE_CHECK(result == -ENODEV,
                    "mmap() with flags 0x%x, while that backend is NULL, returned %ld, not -ENODEV",
                    kinds[i], result);
    }
    PROBE_CHECK(
        fake.file.references == 2 && space->areas.count == 0 && kmalloc_free_bytes() == heap,
        "a mapping that was refused has left something: %u references to the file, %zu areas",
        fake.file.references, space->areas.count);
    probe_backends = (struct probe_backends){true, &test_private, &test_shared};
    for (size_t i = 0; i < 3; i++) {
        uint64_t start = probe_map(0, 4, PROT_READ | PROT_WRITE, kinds[i], FAKE_FD, 3 * PAGE_SIZE);
        const struct area *area = area_find(&space->areas, start);
        bool is_shared = kinds[i] & MAP_SHARED, anonymous = kinds[i] & MAP_ANONYMOUS;
        PROBE_CHECK(area && area->end == start + 4 * PAGE_SIZE, "nothing is mapped at 0x%lx",
                    start);
        PROBE_CHECK(area->backend == (is_shared ? &test_shared : &test_private),
                    "the backend of a mapping with flags 0x%x is \"%s\"", kinds[i],
                    area->backend->name);
        PROBE_CHECK(area->shared == is_shared, "a mapping with flags 0x%x is%s shared", kinds[i],
                    area->shared ? "" : " not");
        if (anonymous) {
            const struct file *file = area->file;
            PROBE_CHECK(file && file != &fake.file && file->ops->size &&
                            file->ops->size(file) >= 4 * PAGE_SIZE,
                        "a shared mapping without a file has none that is large enough");
            PROBE_CHECK(
                area->offset == 0 && file->references == 1,
                "a shared mapping without a file begins at 0x%lx of it, and the file has %u "
                "references",
                area->offset, file->references);
        } else {
            PROBE_CHECK(area->file == &fake.file && area->offset == 3 * PAGE_SIZE,
                        "a mapping of a file has another, or begins at 0x%lx of it, not 0x3000",
                        area->offset);
            PROBE_CHECK(fake.file.references == 3 + i,
                        "after %zu mappings a file has %u references", i + 1, fake.file.references);
        }
    }
    mmap_without_place(kinds);
}

/* One mmap(), for which there may be no memory.  Whether it worked: then there is an area, as there should be. */
static bool map_one(unsigned flags, unsigned prot)
{
    long result = probe_call(SYS_MMAP, 0, PAGE_SIZE, prot, flags, FAKE_FD, 0);
    PROBE_CHECK(result > 0 || result == -ENOMEM,
                "mmap() with flags 0x%x, while there is little memory, returned %ld", flags,
                result);
    if (result < 0)
        return false;
    const struct area *area = area_find(&probe_process.space->areas, (uint64_t)result);
    PROBE_CHECK(area, "mmap() with flags 0x%x returned 0x%lx, and there is no area", flags, result);
    PROBE_CHECK(!(flags & MAP_SHARED) || area->file,
                "mmap() with flags 0x%x, while there is little memory: the area has no file",
                flags);
    return true;
}

/* mmap() for which there is no memory, again and again: nothing is lost. */
void mmap_memory(unsigned long argument)
{
    (void)argument;
    enum { SMALL = 64 };
    probe_new_space();
    struct space *space = probe_process.space;
    fake_open(10 * PAGE_SIZE, O_RDWR);
    /* Nobody touches these pages, so any backend will do. */
    static struct backend any;
    any = *spaces->anonymous;
    probe_backends = (struct probe_backends){true, &any, &any};

    const unsigned flags[] = {ANON, MAP_PRIVATE, MAP_SHARED | MAP_ANONYMOUS};
    void *held[64], *small[SMALL];
    size_t count = 0, blocks = 0, heap = kmalloc_free_bytes();
    long frames = probe_frames;
    struct area *area;
    for (size_t i = 0; i < SMALL; i++)
        small[i] = kmalloc(1);
    /* Leave so little of the kernel's memory that areas use it up. */
    for (size_t size = 1 << 20; size >= 4096; size /= 2)
        while (blocks < 64 && (held[blocks] = kmalloc(size)))
            blocks++;
    while (map_one(flags[count % 3], count % 2 ? PROT_READ : PROT_WRITE))
        count++;
    PROBE_CHECK(count > 3, "after %zu mappings the kernel's memory is used up", count);
    for (int i = 0; i < 3; i++)
        map_one(flags[i], PROT_READ);
    while ((area = area_next(&space->areas, NULL)))
        spaces->unmap(space, area);
    /* Then nothing at all, and a little more each time: each thing that is needed cannot be had once. */
    for (size_t size = 2048; size >= 16; size /= 2)
        while (blocks < 64 && (held[blocks] = kmalloc(size)))
            blocks++;
    for (size_t n = 0; n < SMALL; n++) {
        kfree(small[n]);
        for (int i = 0; i < 3; i++) {
            size_t left = kmalloc_free_bytes();
            map_one(flags[i], PROT_READ);
            while ((area = area_next(&space->areas, NULL)))
                spaces->unmap(space, area);
            PROBE_CHECK(kmalloc_free_bytes() == left,
                        "mmap() with flags 0x%x, with %zu bytes of kernel memory, has kept %ld of "
                        "them",
                        flags[i], left, (long)(left - kmalloc_free_bytes()));
        }
    }
    while (blocks > 0)
        kfree(held[--blocks]);
    PROBE_CHECK(
        kmalloc_free_bytes() == heap && fake.file.references == 2 && probe_frames == frames,
        "%zu mappings, and some for which there was no memory, have left %ld bytes of kernel "
        "memory, %d references to a file, %ld frames",
        count, (long)(heap - kmalloc_free_bytes()), (int)fake.file.references - 2,
        probe_frames - frames);
}

/* One after the other, all that mmap() and its like do; returns whether it all worked. */
static bool everything(void)
{
    const uint64_t rw = PROT_READ | PROT_WRITE;
    bool worked = true;
    long a = probe_call(SYS_MMAP, 0, 6 * PAGE_SIZE, rw, ANON, -1UL, 0);
    long b = probe_call(SYS_MMAP, 0, 3 * PAGE_SIZE, rw, ANON | MAP_POPULATE, -1UL, 0);
    long c = probe_call(SYS_MMAP, 0, 4 * PAGE_SIZE, rw, MAP_PRIVATE, FAKE_FD, PAGE_SIZE);
    long d = probe_call(SYS_MMAP, 0, 4 * PAGE_SIZE, rw, MAP_SHARED, FAKE_FD, 0);
    long e = probe_call(SYS_MMAP, 0, 4 * PAGE_SIZE, rw, MAP_SHARED | MAP_ANONYMOUS, -1UL, 0);
    const long places[] = {a, b, c, d, e};
    for (int i = 0; i < 5; i++) {
        PROBE_CHECK(places[i] > 0 || places[i] == -ENOMEM, "without a frame mmap() returned %ld",
                    places[i]);
        for (uint64_t page = 0; places[i] > 0 && page < 3; page++) {
            long error = probe_touch((uint64_t)places[i] + page * PAGE_SIZE,
                                     page == 1 ? ACCESS_READ : ACCESS_WRITE);
            PROBE_CHECK(error == 0 || error == -ENOMEM, "without a frame fault() returned %ld",
                        error);
            worked &= error == 0;
        }
        worked &= places[i] > 0;
    }
    long error =
        a > 0 ? probe_call(SYS_MPROTECT, (uint64_t)a + PAGE_SIZE, PAGE_SIZE, PROT_READ, 0, 0, 0)
              : 0;
    PROBE_CHECK(error == 0 || error == -ENOMEM, "without a frame mprotect() returned %ld", error);
    long unmapped =
        c > 0 ? probe_call(SYS_MUNMAP, (uint64_t)c + PAGE_SIZE, PAGE_SIZE, 0, 0, 0, 0) : 0;
    PROBE_CHECK(unmapped == 0 || unmapped == -ENOMEM, "without a frame munmap() returned %ld",
                unmapped);
    return worked && !error && !unmapped;
}

/* Each frame that mappings need refused once, alone and with all behind it. */
void mmap_sweep(unsigned long argument)
{
    (void)argument;
    fake_open(10 * PAGE_SIZE, O_RDWR);
    size_t heap = kmalloc_free_bytes();
    uint64_t points = 0;
    for (uint64_t n = 0; n == 0 || points == 0; n++) {
        for (int rest = 0; rest < 2; rest++) {
            long before = probe_frames;
            probe_new_space();
            probe_refused = 0;
            probe_refuse = n, probe_refuse_rest = rest;
            bool worked = everything();
            probe_refuse = 0, probe_refuse_rest = false;
            if (n > 0 && !probe_refused)
                points = n - 1;
            PROBE_CHECK(n > 0 || worked, "with all frames something did not work");
            struct area *area;
            while ((area = area_next(&probe_process.space->areas, NULL)))
                spaces->unmap(probe_process.space, area);
            page_table->destroy(&probe_process.space->table);
            PROBE_CHECK(probe_frames == before, "without frame %lu%s: %ld frames are lost", n,
                        rest ? " and those behind" : "", probe_frames - before);
            PROBE_CHECK(kmalloc_free_bytes() == heap && fake.file.references == 2,
                        "without frame %lu%s: kernel memory, or a reference to a file, is lost", n,
                        rest ? " and those behind" : "");
        }
    }
    report("probe: %lu allocations, each refused once", points);
}
