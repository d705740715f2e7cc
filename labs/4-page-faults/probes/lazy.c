/* lazy.c: probes of areas that wait, and of pages from a file (tasks 4.2 and 4.3). */
#include "errno.h"
#include "file.h"
#include "kmalloc.h"
#include "memory.h"
#include "platform.h"
#include "riscv.h"
#include "probes.h"
#include "runner.h"
#include "string.h"

#define BASE 0x40000000UL
#define RW_U (PROT_USER | PROT_READ | PROT_WRITE)

/* For the probe "lazily" no area of a program is populated, whoever maps it: task 4.2 need not be done. */
static bool all_lazy;

static int map_lazily(struct space *space, const struct area *wanted)
{
    const struct spaces_ops *lower = slot_below(spaces, 8);
    struct area area = *wanted;
    if (all_lazy && (area.prot & PROT_USER))
        area.populate = false;
    return lower->map(space, &area);
}

static const struct spaces_ops laziest = {.map = map_lazily};
PROVIDE(spaces, 8, laziest);

static void run_deck(void)
{
    const struct runner_ops *lower = slot_below(runner, 8);
    lower->run();
}

/* Run the deck; what programs touch comes when they touch it. */
void lazily(unsigned long argument)
{
    (void)argument;
    all_lazy = true;
    run_deck();
    PROBE_CHECK(true, "the deck has run");
}

/* A file of 3 pages and 500 bytes, or of far more, whose bytes say where they stand. */
enum { FILE_SIZE = 3 * PAGE_SIZE + 500 };
static uint64_t file_size = FILE_SIZE;

/* What is known while the file is read, for an area at BASE. */
static struct {
    struct space *space;
    uint64_t area_offset;
    unsigned reads;
    long
        result; /* what the first read is to return, those behind it nothing; 0: what was asked for */
} reading;

static uint8_t byte_at(uint64_t offset)
{
    return (uint8_t)(offset * 31 + offset / 251 + 1);
}

static long read_pattern(struct file *file, void *buffer, size_t size, uint64_t offset)
{
    (void)file;
    uint8_t *bytes = buffer;
    uint64_t va = BASE + page_down(offset - reading.area_offset);
    PROBE_CHECK(!probe_leaf(&reading.space->table, va),
                "the page at 0x%lx is mapped already while it is read from the file", va);
    if (reading.reads++ > 0 && reading.result)
        return 0;
    if (reading.result)
        return reading.result;
    if (offset >= file_size)
        return 0;
    size = size < file_size - offset ? size : file_size - offset;
    for (size_t i = 0; i < size; i++)
        bytes[i] = byte_at(offset + i);
    return (long)size;
}

static const struct file_ops pattern_ops = {.read_at = read_pattern};
static struct file pattern = {.ops = &pattern_ops, .references = 1};

static int eager_fill(struct space *space, const struct area *area, uint64_t va)
{
    return spaces->anonymous->fill(space, area, va);
}

static void eager_drop(struct space *space, const struct area *area, uint64_t start, uint64_t end)
{
    spaces->anonymous->drop(space, area, start, end);
}

static const struct backend own = {.name = "own", .fill = eager_fill, .drop = eager_drop};

/* What lazy.c is told of task 4.3's backend: in lazy_wishes() that there is none, or ours. */
static enum { AS_IT_IS, NO_BACKEND, OWN_BACKEND } segments;

STAND_IN(segment_backend);
const struct backend *__wrap_segment_backend(void)
{
    if (segments == AS_IT_IS)
        return __real_segment_backend();
    return segments == OWN_BACKEND ? &own : NULL;
}

/* One wish after the other: which areas get pages at once. */
void lazy_wishes(unsigned long argument)
{
    (void)argument;
    static const struct backend other = {.name = "other", .fill = eager_fill, .drop = eager_drop};
    const struct {
        const char *what;
        struct area wanted;
        bool all, has_backend, waits;
    } cases[] = {
        {"anonymous, to populate",
         {.prot = RW_U, .populate = true, .backend = spaces->anonymous},
         false,
         false,
         true},
        {"anonymous, not to populate",
         {.prot = RW_U, .backend = spaces->anonymous},
         false,
         false,
         true},
        {"anonymous, not to populate, with populate_all",
         {.prot = RW_U, .backend = spaces->anonymous},
         true,
         false,
         true},
        {"anonymous, with populate_all",
         {.prot = RW_U, .populate = true, .backend = spaces->anonymous},
         true,
         false,
         false},
        {"anonymous, not for user mode",
         {.prot = PROT_READ | PROT_WRITE, .populate = true, .backend = spaces->anonymous},
         false,
         false,
         false},
        {"linear",
         {.prot = RW_U, .populate = true, .backend = spaces->linear, .physical = UART0},
         false,
         true,
         false},
        {"of another backend",
         {.prot = RW_U, .populate = true, .backend = &other},
         false,
         true,
         false},
        {"with a file, while segment_backend() is NULL",
         {.prot = RW_U, .populate = true, .backend = &other, .file = &pattern},
         false,
         false,
         false},
        {"with a file",
         {.prot = RW_U, .populate = true, .backend = &other, .file = &pattern},
         false,
         true,
         true},
        {"with a file, with populate_all",
         {.prot = RW_U, .populate = true, .backend = &other, .file = &pattern},
         true,
         true,
         false},
        {"with a file, not for user mode",
         {.prot = PROT_READ, .populate = true, .backend = &other, .file = &pattern},
         false,
         true,
         false},
    };
    const struct spaces_ops *lower = slot_below(spaces, 8); /* what is above looks at a copy */
    probe_answer();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        probe_new_space();
        struct space *space = probe_process.space;
        struct area wanted = cases[i].wanted;
        wanted.start = BASE, wanted.end = BASE + 4 * PAGE_SIZE;
        const struct area before = wanted;
        populate_all = cases[i].all;
        segments = cases[i].has_backend ? OWN_BACKEND : NO_BACKEND;
        int error = lower->map(space, &wanted);
        populate_all = false;
        PROBE_CHECK(error == 0, "map() of an area %s returned %d", cases[i].what, error);
        size_t leaves = probe_leaves(&space->table);
        PROBE_CHECK(leaves == (cases[i].waits ? 0 : 4),
                    "an area of 4 pages, %s, has %zu of them at once", cases[i].what, leaves);
        PROBE_CHECK(memcmp(&before, &wanted, sizeof(wanted)) == 0, "map() has changed *wanted");
        struct area *area = area_find(&space->areas, BASE);
        PROBE_CHECK(area && area->end == wanted.end && area->prot == wanted.prot &&
                        area->file == wanted.file,
                    "an area %s is not in the set, or not as it was wanted", cases[i].what);
        bool exchanged = wanted.file && cases[i].waits;
        PROBE_CHECK(!exchanged || area->backend == &own,
                    "an area %s has the backend \"%s\", not segment_backend()", cases[i].what,
                    area->backend->name);
        error = lower->map(space, &wanted);
        PROBE_CHECK(error == -EEXIST, "map() of an area on another returned %d, not -EEXIST",
                    error);
        spaces->unmap(space, area);
        PROBE_CHECK(probe_leaves(&space->table) == 0, "after unmap() there are pages left");
    }
}

/* An area with more addresses than anybody can look at. */
void lazy_large(unsigned long argument)
{
    (void)argument;
    const uint64_t size = 20UL << 30;
    const uint64_t touched[] = {BASE, BASE + PAGE_SIZE, BASE + size / 3, BASE + size - 1};
    const size_t count = sizeof(touched) / sizeof(touched[0]);
    probe_answer();
    probe_new_space();
    struct space *space = probe_process.space;
    const struct area wanted = {.start = BASE,
                                .end = BASE + size,
                                .prot = RW_U,
                                .populate = true,
                                .backend = spaces->anonymous};
    int error = spaces->map(space, &wanted);
    PROBE_CHECK(error == 0, "map() of an area of 20 GiB returned %d", error);
    for (size_t i = 0; i < count; i++)
        PROBE_CHECK(space_fault->fault(space, touched[i], ACCESS_WRITE) == 0,
                    "0x%lx, in an area of 20 GiB, cannot be touched", touched[i]);
    long before = probe_frames;
    uint64_t began = csr_read(instret);
    spaces->unmap(space, area_find(&space->areas, BASE));
    uint64_t took = csr_read(instret) - began; /* 2 to an instruction (shift 1) */
    PROBE_CHECK(before - probe_frames >= (long)count && probe_leaves(&space->table) == 0,
                "%zu pages of an area of 20 GiB were touched, %ld frames came back", count,
                before - probe_frames);
    PROBE_CHECK(
        took / 2 < 1000000,
        "to unmap an area of 20 GiB of which 4 pages are there took %lu instructions: drop() "
        "looks at each page that there could be",
        took / 2);
}

enum { PAGES = 7 };

/* An area on the file: from this offset, so many bytes of it, the rest zeros. */
static void map_file(uint64_t offset, uint64_t size, unsigned prot)
{
    const struct spaces_ops *lower = slot_below(spaces, 4);
    const struct area wanted = {.start = BASE,
                                .end = BASE + PAGES * PAGE_SIZE,
                                .prot = prot,
                                .backend = segment_backend(),
                                .file = &pattern,
                                .offset = offset,
                                .file_size = size};
    PROBE_CHECK(segment_backend(), "segment_backend() is NULL: there is no backend for files");
    probe_new_space();
    int error = lower->map(probe_process.space, &wanted);
    PROBE_CHECK(error == 0, "an area with a file cannot be mapped: %d", error);
    reading.space = probe_process.space;
    reading.area_offset = offset;
}

/* Is every page that is there what the file says? */
static void check_content(uint64_t offset, uint64_t file_size, unsigned prot)
{
    for (uint64_t page = 0; page < PAGES; page++) {
        uint64_t pte = probe_leaf(&probe_process.space->table, BASE + page * PAGE_SIZE);
        if (!pte)
            continue;
        PROBE_CHECK(pte_prot(pte) == prot, "page %lu of an area that is %s is %s", page,
                    probe_prot(prot), probe_prot(pte_prot(pte)));
        const uint8_t *bytes = (const uint8_t *)pte_frame(pte);
        for (uint64_t i = 0; i < PAGE_SIZE; i++) {
            uint64_t at = page * PAGE_SIZE + i;
            uint8_t wanted = at < file_size ? byte_at(offset + at) : 0;
            PROBE_CHECK(
                bytes[i] == wanted,
                "byte %lu of an area with %lu bytes from offset %lu of its file is %u, not %u", at,
                file_size, offset, bytes[i], wanted);
        }
    }
}

/*
 * An area of 9 GiB on a file that is even larger, from beyond 4 GiB of it on, with bytes of the file up to the middle
 * of a page beyond 8 GiB: single pages of it, before and behind each multiple of 4 GiB, and the last with content.
 */
static void check_far_content(void)
{
    enum { LAST = 1234 }; /* bytes of the last page */
    const uint64_t four = 1UL << 32, content = 2 * four + 3 * PAGE_SIZE + LAST;
    const uint64_t distances[] = {0,
                                  four - PAGE_SIZE,
                                  four,
                                  four + 3 * PAGE_SIZE,
                                  2 * four,
                                  2 * four + 3 * PAGE_SIZE,
                                  2 * four + 4 * PAGE_SIZE};
    const struct spaces_ops *lower = slot_below(spaces, 4);
    const struct area wanted = {.start = BASE,
                                .end = BASE + (9UL << 30),
                                .prot = RW_U,
                                .backend = segment_backend(),
                                .file = &pattern,
                                .offset = four + 5 * PAGE_SIZE,
                                .file_size = content};
    long before = probe_frames;
    file_size = 4 * four;
    probe_new_space();
    struct space *space = probe_process.space;
    PROBE_CHECK(lower->map(space, &wanted) == 0, "an area of 9 GiB with a file cannot be mapped");
    reading.space = space;
    reading.area_offset = wanted.offset;
    for (size_t i = 0; i < sizeof(distances) / sizeof(distances[0]); i++) {
        uint64_t va = BASE + distances[i];
        struct area *area = area_find(&space->areas, va);
        int error = probe_leaf(&space->table, va) ? 0 /* fault-around */
                                                  : area->backend->fill(space, area, va);
        uint64_t pte = probe_leaf(&space->table, va);
        PROBE_CHECK(error == 0 && pte, "fill() of a page 0x%lx bytes into an area returned %d",
                    distances[i], error);
        const uint8_t *bytes = (const uint8_t *)pte_frame(pte);
        for (uint64_t n = 0; n < PAGE_SIZE; n++) {
            uint64_t at = distances[i] + n;
            uint8_t right = at < content ? byte_at(wanted.offset + at) : 0;
            PROBE_CHECK(bytes[n] == right,
                        "byte 0x%lx of an area with 0x%lx bytes from offset 0x%lx of its file is "
                        "%u, not %u",
                        at, content, wanted.offset, bytes[n], right);
        }
    }
    spaces->unmap(space, area_find(&space->areas, BASE));
    page_table->destroy(&space->table);
    PROBE_CHECK(probe_frames == before, "an area with a file has kept %ld frames",
                probe_frames - before);
    file_size = FILE_SIZE;
}

void file_content(unsigned long argument)
{
    (void)argument;
    const struct {
        uint64_t offset, size;
        unsigned prot;
    } cases[] = {
        {0, FILE_SIZE, RW_U},
        {PAGE_SIZE, 2 * PAGE_SIZE + 500, PROT_USER | PROT_READ},
        {0, 2 * PAGE_SIZE, RW_U},
        {0, 2 * PAGE_SIZE + 1, PROT_USER | PROT_READ | PROT_EXEC},
        {2 * PAGE_SIZE, PAGE_SIZE - 1, RW_U},
        {0, 0, RW_U},
    };
    probe_answer();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        long before = probe_frames;
        map_file(cases[i].offset, cases[i].size, cases[i].prot);
        for (uint64_t n = 0; n < PAGES; n++) {
            uint64_t va = BASE + n * 4 % PAGES * PAGE_SIZE;
            if (probe_leaf(&probe_process.space->table, va))
                continue; /* fault-around */
            int error = segment_backend()->fill(probe_process.space,
                                                area_find(&probe_process.space->areas, va), va);
            PROBE_CHECK(error == 0 && probe_leaf(&probe_process.space->table, va),
                        "fill(0x%lx) returned %d, and the page is %s", va, error,
                        probe_leaf(&probe_process.space->table, va) ? "there" : "not");
            check_content(cases[i].offset, cases[i].size, cases[i].prot);
        }
        /* Private: what is written to a page is in no other, nor in the file. */
        uint64_t pte = probe_leaf(&probe_process.space->table, BASE);
        memset((void *)pte_frame(pte), 0xff, PAGE_SIZE);
        struct area *area = area_find(&probe_process.space->areas, BASE);
        segment_backend()->drop(probe_process.space, area, BASE, BASE + PAGE_SIZE);
        PROBE_CHECK(!probe_leaf(&probe_process.space->table, BASE),
                    "drop() has left the page there");
        segment_backend()->fill(probe_process.space, area, BASE);
        check_content(cases[i].offset, cases[i].size, cases[i].prot);
        PROBE_CHECK(probe_leaves(&probe_process.space->table) == PAGES,
                    "drop() of one page has taken others, too");
        spaces->unmap(probe_process.space, area);
        page_table->destroy(&probe_process.space->table);
        PROBE_CHECK(probe_frames == before, "an area with a file has kept %ld frames",
                    probe_frames - before);
    }
    check_far_content();
}

void file_errors(unsigned long argument)
{
    (void)argument;
    const long results[] = {-EIO, -EINVAL, 16, PAGE_SIZE - 1};
    probe_answer();
    map_file(0, FILE_SIZE, RW_U);
    struct space *space = probe_process.space;
    const struct area *area = area_find(&space->areas, BASE);
    const struct backend *backend = segment_backend();
    long before = probe_frames;
    for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
        reading.result = results[i], reading.reads = 0;
        int error = backend->fill(space, area, BASE + PAGE_SIZE);
        PROBE_CHECK(error == -EIO,
                    "read_at() of a whole page returned %ld: fill() returned %d, not -EIO",
                    results[i], error);
        PROBE_CHECK(!probe_leaf(&space->table, BASE + PAGE_SIZE),
                    "read_at() of a whole page returned %ld, and the page is there", results[i]);
    }
    /* Tables that it has made may stay; frames of pages not. */
    long tables = (long)probe_tables(&space->table) - 1;
    PROBE_CHECK(probe_frames - before == tables,
                "a page that could not be read has kept its frame");
    /* The last page, of which the file has 500 bytes, short of one. */
    reading.result = 499, reading.reads = 0;
    int last = backend->fill(space, area, BASE + 3 * PAGE_SIZE);
    PROBE_CHECK(last == -EIO && !probe_leaf(&space->table, BASE + 3 * PAGE_SIZE),
                "read_at() of 500 bytes returned 499: fill() returned %d, not -EIO", last);
    reading.result = 0;
    PROBE_CHECK(backend->fill(space, area, BASE + 5 * PAGE_SIZE) == 0,
                "a page of zeros behind the file's content cannot be filled");
    /* Each frame refused in turn. */
    spaces->unmap(space, area_find(&space->areas, BASE));
    page_table->destroy(&space->table);
    for (uint64_t n = 1; n < 20; n++) {
        before = probe_frames;
        map_file(0, FILE_SIZE, RW_U);
        area = area_find(&probe_process.space->areas, BASE);
        probe_refused = 0;
        probe_refuse = n;
        int error = backend->fill(probe_process.space, area, BASE);
        probe_refuse = 0;
        uint64_t leaf = probe_leaf(&probe_process.space->table, BASE);
        PROBE_CHECK(error == 0 || (error == -ENOMEM && probe_refused),
                    "fill() without frame %lu: %d", n, error);
        PROBE_CHECK((error == 0) == (leaf != 0),
                    "fill() without frame %lu returned %d, and the page is %s", n, error,
                    leaf ? "there" : "not");
        spaces->unmap(probe_process.space, area_find(&probe_process.space->areas, BASE));
        page_table->destroy(&probe_process.space->table);
        PROBE_CHECK(probe_frames == before, "fill() without frame %lu has kept %ld frames", n,
                    probe_frames - before);
        if (!probe_refused)
            return;
    }
}

/* Run the deck, and demand that at no time more frames were in use than the argument says. */
void peak(unsigned long argument)
{
    long before = probe_frames;
    run_deck();
    PROBE_CHECK(
        probe_frames_most - before <= (long)argument,
        "the programs had %ld frames at the same time, tables and kernel stacks among them; %lu "
        "are enough",
        probe_frames_most - before, argument);
}
