/* files.c: probes of files as memory, each page a copy (task 5.3). */
#include "errno.h"
#include "frame.h"
#include "memory.h"
#include "probes.h"
#include "string.h"

enum { FILE_SIZE = 5 * PAGE_SIZE + 700, MAPPED = 8 };

/* Is the page at va what the file has at offset: its bytes, and zeros behind its end? */
static void expect_content(uint64_t va, uint64_t offset)
{
    const uint8_t *bytes = probe_byte(va), *in_file = fake_at(offset);
    for (uint64_t i = 0; i < PAGE_SIZE; i++) {
        uint8_t wanted = offset + i < fake.size ? *(in_file + i) : 0;
        PROBE_CHECK(
            bytes[i] == wanted,
            "byte %lu of the page at 0x%lx is %u, not %u: the file's byte at 0x%lx of 0x%lx", i, va,
            bytes[i], wanted, offset + i, fake.size);
    }
}

/* While a page is read, nobody may see it: the file's read_at(), which looks. */
static const struct file_ops *watched;
static uint64_t watched_page;

static long watch_read_at(struct file *file, void *buffer, size_t size, uint64_t offset)
{
    PROBE_CHECK(!probe_leaf(&probe_process.space->table, watched_page),
                "the page at 0x%lx is mapped already while it is read from the file", watched_page);
    return watched->read_at(file, buffer, size, offset);
}

static void watch_reading(void)
{
    static struct file_ops watching;
    watched = fake.file.ops;
    watching = *watched;
    watching.read_at = watch_read_at;
    fake.file.ops = &watching;
}

/* A file of more than 4 GiB: far from its beginning, far from the mapping's, and with a last page that far behind. */
static void mapped_far(void)
{
    const struct {
        uint64_t size, first, at; /* of the file; where the mapping begins in it; from there on */
        bool there;
    } places[] = {
        {(6UL << 30) + 700, 5UL << 30, 0, true},
        {(6UL << 30) + 700, 5UL << 30, 1UL << 30, true},
        {(6UL << 30) + 700, 0, 5UL << 30, true},
        {(6UL << 30) + 700, 3UL << 30, (3UL << 30) - PAGE_SIZE, true},
        {(6UL << 30) + 700, PAGE_SIZE, 6UL << 30, false},
        {(6UL << 30) + 700, 7UL << 30, 0, false},
        {(1UL << 32) + 100, 0, 0, true},
        {(1UL << 32) + 100, 1UL << 32, 0, true},
        {(3UL << 32) + 1, 1UL << 32, PAGE_SIZE, true},
        {1UL << 32, 0, PAGE_SIZE, true},
        {1UL << 32, 0, 1UL << 32, false},
    };
    fake_open(FAKE_PAGES * PAGE_SIZE, O_RDONLY);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        probe_new_space();
        fake.size = places[i].size;
        uint64_t start =
            probe_map(0, (7UL << 30) / PAGE_SIZE, PROT_READ, MAP_PRIVATE, FAKE_FD, places[i].first);
        long error = probe_touch(start + places[i].at, ACCESS_READ);
        PROBE_CHECK(error == (places[i].there ? 0 : -EFAULT),
                    "a read at 0x%lx of a mapping that begins at 0x%lx of a file of 0x%lx bytes: "
                    "fault() returned %ld",
                    places[i].at, places[i].first, places[i].size, error);
        if (places[i].there)
            expect_content(start + places[i].at, places[i].first + places[i].at);
    }
}

/* Every page of a mapping, in any order, for mappings that begin anywhere in the file. */
void mapped_content(unsigned long argument)
{
    (void)argument;
    const uint64_t sizes[] = {FILE_SIZE, 5 * PAGE_SIZE, 1, PAGE_SIZE};
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        for (uint64_t first = 0; first < 3; first++) {
            probe_new_space();
            fake_open(sizes[s], O_RDONLY);
            watch_reading();
            long frames = probe_frames;
            uint64_t start = probe_map(0, MAPPED, PROT_READ | (first == 1 ? PROT_WRITE : 0),
                                       MAP_PRIVATE, FAKE_FD, first * PAGE_SIZE);
            PROBE_CHECK(probe_frames == frames && fake.reads == 0,
                        "a file that is mapped, and that nobody has touched, has been read");
            for (uint64_t n = 0; n < MAPPED; n++) {
                uint64_t page = n * 5 % MAPPED, offset = (first + page) * PAGE_SIZE;
                uint64_t va = start + page * PAGE_SIZE;
                size_t leaves = probe_leaves(&probe_process.space->table);
                watched_page = va;
                long error = probe_touch(va + n * 100, ACCESS_READ);
                bool inside = offset < sizes[s];
                PROBE_CHECK(error == (inside ? 0 : -EFAULT),
                            "a read of page %lu of a file of 0x%lx bytes: fault() returned %ld",
                            first + page, sizes[s], error);
                if (inside)
                    expect_content(va, offset);
                PROBE_CHECK(probe_leaves(&probe_process.space->table) == leaves + inside,
                            "a touch of page %lu of a file of 0x%lx bytes has brought in %ld pages",
                            first + page, sizes[s],
                            (long)(probe_leaves(&probe_process.space->table) - leaves));
            }
            /* What is written there stays there. */
            if (first == 1 && sizes[s] == FILE_SIZE) {
                PROBE_CHECK(probe_touch(start, ACCESS_WRITE) == 0,
                            "a private page cannot be written");
                *probe_byte(start) ^= 0xff;
                PROBE_CHECK(*(uint8_t *)fake.frames[1] == fake_byte(PAGE_SIZE) && fake.writes == 0,
                            "what is written to a private mapping is in the file");
            }
            PROBE_CHECK(fake.file.position == 0,
                        "pages of a mapping move the place where read() goes on, to 0x%lx",
                        fake.file.position);
            /* The mapping has a reference of its own. */
            PROBE_CHECK(fake.file.references == 3, "a mapped file has %u references, not 3",
                        fake.file.references);
            spaces->unmap(probe_process.space, area_find(&probe_process.space->areas, start));
            page_table->destroy(&probe_process.space->table);
            PROBE_CHECK(fake.file.references == 2 && fake.writes == 0,
                        "an unmapped file has %u references, and %u writes", fake.file.references,
                        fake.writes);
        }
    }
    /* The file has become longer, and shorter, since it was mapped. */
    probe_new_space();
    fake_open(2 * PAGE_SIZE, O_RDWR);
    uint64_t start = probe_map(0, MAPPED, PROT_READ, MAP_PRIVATE, FAKE_FD, 0);
    for (uint64_t i = fake.size; i < FILE_SIZE; i++)
        ((uint8_t *)fake.frames[i / PAGE_SIZE])[i % PAGE_SIZE] = fake_byte(i);
    fake.size = FILE_SIZE;
    PROBE_CHECK(probe_touch(start + 5 * PAGE_SIZE, ACCESS_READ) == 0,
                "a page that the file has got since it was mapped cannot be read");
    expect_content(start + 5 * PAGE_SIZE, 5 * PAGE_SIZE);
    fake.size = PAGE_SIZE;
    PROBE_CHECK(probe_touch(start + PAGE_SIZE, ACCESS_READ) == -EFAULT,
                "a page that the file has lost since it was mapped can be read");
    /* Far behind the end, where an offset has more than 32 bits. */
    start = probe_map(0, 1, PROT_READ, MAP_PRIVATE, FAKE_FD, 1UL << 32);
    PROBE_CHECK(probe_touch(start, ACCESS_READ) == -EFAULT,
                "the page at 0x%lx of a file of 0x%lx bytes can be read", 1UL << 32, fake.size);
    mapped_far();
}

/* Files that cannot be read, or give less than they should; each frame refused in turn. */
void mapped_errors(unsigned long argument)
{
    (void)argument;
    const long results[] = {-EIO, -EINVAL, 16};
    probe_new_space();
    fake_open(FILE_SIZE, O_RDONLY);
    struct space *space = probe_process.space;
    uint64_t start = probe_map(0, MAPPED, PROT_READ, MAP_PRIVATE, FAKE_FD, 0);
    const struct area *area = area_find(&space->areas, start);
    long before = probe_frames;
    for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
        fake.result = results[i];
        int error = area->backend->fill(space, area, start + PAGE_SIZE);
        PROBE_CHECK(error == -EIO, "read_at() of a page returned %ld: fill() returned %d, not -EIO",
                    results[i], error);
        PROBE_CHECK(!probe_leaf(&space->table, start + PAGE_SIZE),
                    "read_at() of a page returned %ld, and the page is there", results[i]);
    }
    fake.result = 0;
    int error = area->backend->fill(space, area, start + 6 * PAGE_SIZE);
    PROBE_CHECK(error == -EIO, "fill() of a page behind the end of the file returned %d, not -EIO",
                error);
    PROBE_CHECK(probe_frames - before == (long)probe_tables(&space->table) - 1,
                "a page that could not be read has kept its frame");
    for (uint64_t n = 1; n < 10; n++) {
        probe_new_space();
        before = probe_frames;
        space = probe_process.space;
        start = probe_map(0, MAPPED, PROT_READ, MAP_PRIVATE, FAKE_FD, 0);
        area = area_find(&space->areas, start);
        probe_refused = 0, probe_refuse = n;
        error = area->backend->fill(space, area, start);
        probe_refuse = 0;
        PROBE_CHECK(error == (probe_refused ? -ENOMEM : 0), "fill() without frame %lu: %d", n,
                    error);
        PROBE_CHECK((error == 0) == (probe_leaf(&space->table, start) != 0),
                    "fill() without frame %lu returned %d, and the page is %s", n, error,
                    error ? "there" : "not");
        spaces->unmap(space, area_find(&space->areas, start));
        long tables = (long)probe_tables(&space->table) - 1;
        PROBE_CHECK(probe_frames - before == tables, "fill() without frame %lu has kept %ld frames",
                    n, probe_frames - before - tables);
        if (!probe_refused)
            return;
    }
}

/* All pages at once, as far as the file goes. */
void mapped_populate(unsigned long argument)
{
    (void)argument;
    probe_new_space();
    fake_open(FILE_SIZE, O_RDONLY);
    for (int round = 0; round < 2; round++) {
        populate_all = round == 1;
        size_t before = probe_leaves(&probe_process.space->table);
        long start = probe_call(SYS_MMAP, 0, MAPPED * PAGE_SIZE, PROT_READ,
                                MAP_PRIVATE | (round == 0 ? MAP_POPULATE : 0), FAKE_FD, PAGE_SIZE);
        populate_all = false;
        PROBE_CHECK(start > 0, "a mapping that is longer than its file, with %s, is refused: %ld",
                    round == 0 ? "MAP_POPULATE" : "populate_all", start);
        size_t there = probe_leaves(&probe_process.space->table) - before;
        PROBE_CHECK(there == 5, "of a file's 5 pages from the second on, %zu are there at once",
                    there);
        for (uint64_t page = 0; page < 5; page++)
            expect_content((uint64_t)start + page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
    }
}
