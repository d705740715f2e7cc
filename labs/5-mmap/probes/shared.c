/* shared.c: probes of memory that is shared (task 5.5). */
#include "errno.h"
#include "frame.h"
#include "kmalloc.h"
#include "memory.h"
#include "probes.h"
#include "riscv.h"
#include "string.h"
#include "trap.h"
#include "user_memory.h"

enum { FILE_SIZE = 5 * PAGE_SIZE + 700 };

/* A store by the program, as the CPU does it: it faults until the page can be written, then D is set. */
static void store(uint64_t va, uint8_t value)
{
    struct space *space = probe_process.space;
    for (int attempt = 0; attempt < 4; attempt++) {
        uint64_t pte = probe_leaf(&space->table, va);
        if (pte_prot(pte) & PROT_WRITE) {
            probe_cpu_stores(va, value);
            return;
        }
        probe_process.task.user.stval = va;
        trap_dispatch(&probe_process.task, CAUSE_STORE_PAGE);
        PROBE_CHECK(!probe_process.task.dying,
                    "a store at 0x%lx, where it is permitted, has ended the program", va);
    }
    probe_fail("a store at 0x%lx, where it is permitted, faults again and again", va);
}

static bool load(uint64_t va, uint8_t *value)
{
    long error = probe_touch(va, ACCESS_READ);
    if (!error)
        *value = *probe_byte(va);
    return !error;
}

static uint8_t loaded(uint64_t va)
{
    uint8_t value = 0;
    PROBE_CHECK(load(va, &value), "0x%lx, shared, cannot be read", va);
    return value;
}

static uint64_t map_shared(uint64_t pages, unsigned prot, uint64_t first)
{
    return probe_map(0, pages, prot, MAP_SHARED, FAKE_FD, first * PAGE_SIZE);
}

/* All mappings of a page have the file's frame, and none has more than its reference to it. */
void shared_frames(unsigned long argument)
{
    (void)argument;
    probe_new_space();
    fake_open(FILE_SIZE, O_RDWR);
    struct space *space = probe_process.space;
    long frames = probe_frames;
    uint64_t a = map_shared(6, PROT_READ | PROT_WRITE, 0), b = map_shared(4, PROT_READ, 2);
    PROBE_CHECK(fake.pages == 0, "a shared mapping asks for pages that nobody has touched");
    for (uint64_t page = 0; page < 6; page++) {
        PROBE_CHECK(loaded(a + page * PAGE_SIZE + 1) == fake_byte(page * PAGE_SIZE + 1),
                    "page %lu of a shared mapping is not the file's", page);
        PROBE_CHECK(pte_frame(probe_leaf(&space->table, a + page * PAGE_SIZE)) == fake.frames[page],
                    "page %lu of a shared mapping has a frame of its own", page);
    }
    for (uint64_t page = 2; page < 6; page++) {
        uint8_t value = (uint8_t)(0x80 + page);
        store(a + page * PAGE_SIZE + 5, value);
        PROBE_CHECK(loaded(b + (page - 2) * PAGE_SIZE + 5) == value,
                    "a store to page %lu of a file is not seen in another mapping of it", page);
    }
    /* By the file's last page, not behind it. */
    PROBE_CHECK(loaded(a + FILE_SIZE) == 0, "behind its end, in its last page, a file is not zero");
    uint64_t c = map_shared(3, PROT_READ | PROT_WRITE, 5);
    uint8_t value;
    PROBE_CHECK(
        load(c, &value) && !load(c + PAGE_SIZE, &value),
        "a page of a shared mapping behind the end of its file can be read, or its last cannot");
    for (int i = 0; i < 3; i++)
        PROBE_CHECK(probe_touch(b, ACCESS_WRITE) == -EFAULT,
                    "a shared mapping for reading only can be written");
    /* Only with the rights that it has: a store elsewhere is somebody else's business. */
    probe_process.task.user.stval = b;
    trap_dispatch(&probe_process.task, CAUSE_STORE_PAGE);
    PROBE_CHECK(probe_process.task.dying, "a store to a shared mapping for reading only goes on");
    probe_process.task.dying = false;

    size_t pages = probe_leaves(&space->table), tables = probe_tables(&space->table);
    PROBE_CHECK(probe_frames - frames == (long)(pages + tables) - 1,
                "%zu shared pages are there, and there are %ld references to frames", pages,
                probe_frames - frames - (long)tables + 1);
    probe_unmap(a, 6);
    probe_unmap(b, 4);
    probe_unmap(c, 3);
    PROBE_CHECK(probe_frames - frames == (long)probe_tables(&space->table) - 1,
                "all is unmapped, and there are %ld references to frames more",
                probe_frames - frames - (long)probe_tables(&space->table) + 1);
    PROBE_CHECK(fake.file.references == 2, "all is unmapped, and the file has %u references",
                fake.file.references);
    /* With MAP_POPULATE all of the file's pages are there, and no more. */
    a = probe_map(0, 8, PROT_READ, MAP_SHARED | MAP_POPULATE, FAKE_FD, 0);
    for (uint64_t page = 0; page < 8; page++)
        PROBE_CHECK(!probe_leaf(&space->table, a + page * PAGE_SIZE) == (page >= 6),
                    "page %lu of a shared mapping with MAP_POPULATE, of a file with 6 pages, is %s",
                    page, page < 6 ? "missing" : "there");
    probe_unmap(a, 8);
    /* What could not be read, or has no frame for a table. */
    fake.result = -EIO;
    a = map_shared(2, PROT_READ, 0);
    PROBE_CHECK(!load(a, &value) && !probe_leaf(&space->table, a),
                "a shared page that could not be read is there");
    fake.result = 0;
    uint64_t far = probe_map(1UL << 37, 1, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE, FAKE_FD, 0);
    const struct area *area = area_find(&space->areas, far);
    frames = probe_frames;
    size_t before = probe_tables(&space->table);
    probe_refuse = 1, probe_refuse_rest = true;
    int error = area->backend->fill(space, area, far);
    probe_refuse = 0, probe_refuse_rest = false;
    PROBE_CHECK(error == -ENOMEM, "fill() of a shared page without a frame for a table returned %d",
                error);
    PROBE_CHECK(probe_frames - frames == (long)(probe_tables(&space->table) - before),
                "fill() without a frame for a table has kept the page's");
    /* What may be written may also be read (page_table.h): before the first store, too. */
    const struct area writing = {.start = MMAP_BASE + (1UL << 30),
                                 .end = MMAP_BASE + (1UL << 30) + PAGE_SIZE,
                                 .prot = PROT_USER | PROT_WRITE,
                                 .backend = shared_file_backend(),
                                 .shared = true,
                                 .file = &fake.file};
    PROBE_CHECK(slot_below(spaces, 4)->map(space, &writing) == 0, "a shared area cannot be mapped");
    PROBE_CHECK(probe_touch(writing.start, ACCESS_READ) == 0 &&
                    (pte_prot(probe_leaf(&space->table, writing.start)) & PROT_READ),
                "a page of a shared area for writing alone cannot be read");
}

static bool page_written[FAKE_PAGES];

static void note_write(uint64_t index)
{
    page_written[index] = true;
}

static void forget_writes(void)
{
    memset(page_written, 0, sizeof(page_written));
    fake.writes = 0;
    fake.on_write = note_write;
}

static void fail_first_page(uint64_t index)
{
    note_write(index);
    fake.result = index == 0 ? -EIO : 0;
}

/* Just these pages of the file have been written since forget_writes(), each once at least. */
static void expect_writes(uint64_t mask, const char *what)
{
    for (uint64_t i = 0; i < FAKE_PAGES; i++)
        PROBE_CHECK(page_written[i] == (mask >> i & 1), "%s: page %lu of the file was%s written",
                    what, i, page_written[i] ? "" : " not");
}

/* A store to a page far behind the beginning of a file, and of its mapping: read, written and synced there. */
static void writes_far(void)
{
    enum { STORED = 0x3e };
    const uint64_t size = (6UL << 30) + 700;
    const struct {
        uint64_t first, at; /* where the mapping begins in the file; from there on */
    } places[] = {
        {5UL << 30, 0},
        {0, 5UL << 30},
        {3UL << 30, (2UL << 30) + 3 * PAGE_SIZE},
        {PAGE_SIZE, (6UL << 30) - PAGE_SIZE},
        {0, 1UL << 31},
        {0, 0},
    };
    for (size_t i = 0; i < 3 * sizeof(places) / sizeof(places[0]); i++) {
        uint64_t first = places[i / 3].first, at = places[i / 3].at, end = page_up(size) - first;
        uint64_t length = size - (first + at) < PAGE_SIZE ? size - (first + at) : PAGE_SIZE;
        const char *const calls[] = {"msync()", "munmap()", "mprotect()"};
        fake.size = size;
        uint64_t a = map_shared(end / PAGE_SIZE, PROT_READ | PROT_WRITE, first / PAGE_SIZE);
        PROBE_CHECK(loaded(a + at) == *fake_at(first + at),
                    "0x%lx behind the beginning of a mapping, 0x%lx behind that of its file, it "
                    "does not show what the file has",
                    at, first + at);
        store(a + at, STORED);
        forget_writes();
        fake.bytes = 0;
        if (i % 3 == 0)
            PROBE_CHECK(probe_call(SYS_MSYNC, a, end, 4, 0, 0, 0) == 0, "msync() has failed");
        else if (i % 3 == 1)
            probe_unmap(a, end / PAGE_SIZE);
        else if (probe_call(SYS_MPROTECT, a, end, PROT_READ, 0, 0, 0) == -ENOSYS)
            probe_call(SYS_MSYNC, a, end, 4, 0, 0, 0); /* mprotect() comes with the next task */
        if (i % 3 != 1)
            probe_unmap(a, end / PAGE_SIZE);
        PROBE_CHECK(
            fake.bytes == length && fake.last_offset + fake.last_size == first + at + length,
            "a store at 0x%lx of a file of 0x%lx bytes: %s of 0x%lx bytes, and munmap(), "
            "have written 0x%lx bytes, up to 0x%lx",
            first + at, size, calls[i % 3], end, fake.bytes, fake.last_offset + fake.last_size);
    }
}

/* Many mappings of a file, and many pages of one: each store is written. */
static void writes_many(void)
{
    enum { MANY = 300 };
    const uint64_t first = MMAP_BASE + (1UL << 33);
    fake.size = (MANY + 1) * PAGE_SIZE;
    uint64_t a = map_shared(MANY, PROT_READ | PROT_WRITE, 0);
    for (uint64_t page = 0; page < MANY; page++)
        store(a + page * PAGE_SIZE, 1);
    for (int round = 0; round < 2; round++) {
        forget_writes();
        PROBE_CHECK(probe_call(SYS_MSYNC, a, MANY * PAGE_SIZE, 4, 0, 0, 0) == 0,
                    "msync() has failed");
        PROBE_CHECK(round == 0 ? fake.writes >= MANY : fake.writes == 0,
                    "of %d pages that were stored to the %s msync() has written %u", MANY,
                    round == 0 ? "first" : "second", fake.writes);
    }
    probe_unmap(a, MANY);
    unsigned references = fake.file.references;
    for (uint64_t i = 0; i < MANY; i++) {
        a = probe_map(first + 2 * i * PAGE_SIZE, 1, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_FIXED_NOREPLACE, FAKE_FD, 7 * PAGE_SIZE);
        store(a, (uint8_t)i);
        PROBE_CHECK(loaded(first) == (uint8_t)i,
                    "a store to mapping %lu of a page is not seen in the first", i);
    }
    PROBE_CHECK(fake.file.references == references + MANY,
                "a file with %d mappings has %u references more", MANY,
                fake.file.references - references);
    forget_writes();
    long result = probe_call(SYS_MSYNC, first, 2 * MANY * PAGE_SIZE, 4, 0, 0, 0);
    PROBE_CHECK(result == -ENOMEM && fake.writes >= MANY,
                "msync() of %d mappings with holes between them returned %ld, and has written %u "
                "pages",
                MANY, result, fake.writes);
    store(first + 2 * (MANY - 1) * PAGE_SIZE, 0x71);
    forget_writes();
    probe_unmap(first, 2 * MANY);
    PROBE_CHECK(fake.stored[7] == 0x71 && fake.file.references == references,
                "a store to the last of %d mappings of a page did not come to the file, or the "
                "file has %u references more",
                MANY, fake.file.references - references);
}

/* Write-back: what has been written, once, and nothing else; never beyond the file's end. */
void shared_writes(unsigned long argument)
{
    (void)argument;
    probe_new_space();
    fake_open(FILE_SIZE, O_RDWR);
    uint64_t a = map_shared(6, PROT_READ | PROT_WRITE, 0);
    forget_writes();
    fake.file.position = 77;
    for (uint64_t page = 0; page < 6; page++)
        loaded(a + page * PAGE_SIZE);
    store(a + PAGE_SIZE, 1);
    store(a + 3 * PAGE_SIZE + 9, 2);
    expect_writes(0, "before msync()");
    PROBE_CHECK(probe_call(SYS_MSYNC, a, 6 * PAGE_SIZE, 4, 0, 0, 0) == 0, "msync() has failed");
    expect_writes(1 << 1 | 1 << 3, "msync() after stores to pages 1 and 3");
    forget_writes();
    PROBE_CHECK(probe_call(SYS_MSYNC, a, 6 * PAGE_SIZE, 4, 0, 0, 0) == 0, "msync() has failed");
    expect_writes(0, "a second msync(), without a store between");
    store(a + 3 * PAGE_SIZE, 3);
    store(a + 4 * PAGE_SIZE, 4);
    fake.bytes = 0;
    PROBE_CHECK(probe_call(SYS_MSYNC, a + 4 * PAGE_SIZE, PAGE_SIZE, 4, 0, 0, 0) == 0,
                "msync() has failed");
    expect_writes(1 << 4, "msync() of page 4 alone");
    PROBE_CHECK(fake.bytes >= PAGE_SIZE && fake.last_offset + fake.last_size == 5 * PAGE_SIZE,
                "msync() of page 4 has written 0x%lx bytes of it, the last 0x%lx at 0x%lx",
                fake.bytes, fake.last_size, fake.last_offset);
    forget_writes();
    probe_unmap(a + 2 * PAGE_SIZE, 3);
    expect_writes(1 << 3, "munmap() of pages 2 to 4, of which 3 was written since");
    PROBE_CHECK(fake.stored[3] == 3 && fake.stored[4] == 4 && fake.stored[1] == 1,
                "what was written to the file is not what was stored");
    PROBE_CHECK(fake.file.position == 77, "write-back has moved the position of its file to %lu",
                fake.file.position);

    /* The last page: as far as the file goes. */
    forget_writes();
    store(a + 5 * PAGE_SIZE + 10, 7);
    store(a + FILE_SIZE + 20, 7);
    probe_unmap(a + 5 * PAGE_SIZE, 1);
    expect_writes(1 << 5, "munmap() of the last page");
    PROBE_CHECK(fake.size == FILE_SIZE, "write-back has changed the file's size from 0x%x to 0x%lx",
                FILE_SIZE, fake.size);
    PROBE_CHECK(fake.last_offset + fake.last_size == FILE_SIZE,
                "of the last page 0x%lx bytes were written at 0x%lx; the file ends at 0x%x",
                fake.last_size, fake.last_offset, FILE_SIZE);
    /* A file that has become shorter: its lost pages are not written, and it stays short. */
    uint64_t b = map_shared(6, PROT_READ | PROT_WRITE, 0);
    store(b + 4 * PAGE_SIZE, 9), store(b + 5 * PAGE_SIZE, 9);
    fake.size = 4 * PAGE_SIZE;
    forget_writes();
    long result = probe_call(SYS_MSYNC, b + 4 * PAGE_SIZE, PAGE_SIZE, 4, 0, 0, 0);
    PROBE_CHECK(result == 0, "msync() of a page that the file has lost returned %ld", result);
    probe_unmap(b, 6);
    expect_writes(0, "msync() of a page that the file has lost, and munmap() of another");
    PROBE_CHECK(fake.size == 4 * PAGE_SIZE, "write-back has made a file longer again");
    /* Private pages are nobody's. */
    uint64_t c = probe_map(0, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE, FAKE_FD, 0);
    for (uint64_t page = 0; page < 4; page++) {
        PROBE_CHECK(probe_touch(c + page * PAGE_SIZE, ACCESS_WRITE) == 0,
                    "a private page cannot be written");
        *probe_byte(c + page * PAGE_SIZE) = 0x55;
    }
    PROBE_CHECK(probe_call(SYS_MSYNC, c, 4 * PAGE_SIZE, 4, 0, 0, 0) == 0,
                "msync() of private pages has failed");
    probe_unmap(c, 4);
    expect_writes(0, "msync() and munmap() of private pages");
    /* An error is told, and does not stop the rest. */
    uint64_t d = map_shared(3, PROT_READ | PROT_WRITE, 0);
    const long results[] = {-EIO, -ENOSPC, 16};
    for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
        store(d, 1), store(d + PAGE_SIZE, 1), store(d + 2 * PAGE_SIZE, 1);
        fake.result = results[i];
        forget_writes();
        result = probe_call(SYS_MSYNC, d, 3 * PAGE_SIZE, 4, 0, 0, 0);
        fake.result = 0;
        PROBE_CHECK(result == -EIO,
                    "msync(), while write_at() of a page returns %ld, returned %ld, not -EIO",
                    results[i], result);
        expect_writes(7, "msync(), while the file cannot be written");
    }
    store(d, 1), store(d + PAGE_SIZE, 1);
    forget_writes();
    fake.on_write = fail_first_page;
    result = probe_call(SYS_MSYNC, d, 3 * PAGE_SIZE, 4, 0, 0, 0);
    fake.result = 0;
    PROBE_CHECK(result == -EIO,
                "msync() of two pages, of which the first cannot be written, returned %ld", result);
    forget_writes(); /* what could not be written may be tried again */
    probe_unmap(d, 3);
    /* Nor does it stop the next area. */
    d = map_shared(1, PROT_READ | PROT_WRITE, 0);
    uint64_t next = probe_map(d + PAGE_SIZE, 1, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_FIXED_NOREPLACE, FAKE_FD, 2 * PAGE_SIZE);
    store(d, 1), store(next, 1);
    forget_writes();
    fake.on_write = fail_first_page;
    result = probe_call(SYS_MSYNC, d, 2 * PAGE_SIZE, 4, 0, 0, 0);
    fake.result = 0;
    PROBE_CHECK(result == -EIO,
                "msync() of two mappings, of which the first cannot be written, returned %ld",
                result);
    expect_writes(1 << 0 | 1 << 2, "msync() of two mappings, of which the first cannot be written");
    forget_writes();
    probe_unmap(d, 2);
    /* munmap() tells no error of the file's, and all goes that was mapped. */
    long frames = probe_frames - (long)probe_tables(&probe_process.space->table);
    d = map_shared(3, PROT_READ | PROT_WRITE, 0);
    for (size_t i = 0; i < 3; i++)
        store(d + i * PAGE_SIZE, 2);
    forget_writes();
    fake.result = -EIO;
    probe_unmap(d, 3);
    fake.result = 0;
    expect_writes(7, "munmap(), while the file cannot be written");
    PROBE_CHECK(!area_find(&probe_process.space->areas, d) &&
                    !probe_leaf(&probe_process.space->table, d + 2 * PAGE_SIZE) &&
                    probe_frames - (long)probe_tables(&probe_process.space->table) == frames,
                "munmap(), while the file cannot be written, has left something");

    /* A part of an area: the pages before it stay, and are written later. */
    uint64_t e = map_shared(4, PROT_READ | PROT_WRITE, 0);
    for (uint64_t page = 0; page < 4; page++)
        store(e + page * PAGE_SIZE, (uint8_t)page);
    forget_writes();
    const struct area *area = area_find(&probe_process.space->areas, e);
    area->backend->drop(probe_process.space, area, e + 2 * PAGE_SIZE, e + 4 * PAGE_SIZE);
    expect_writes(1 << 2 | 1 << 3, "drop() of a part of an area, its pages 2 and 3");
    for (uint64_t page = 0; page < 4; page++) {
        bool there = probe_leaf(&probe_process.space->table, e + page * PAGE_SIZE);
        PROBE_CHECK(there == (page < 2), "after drop() of pages 2 and 3 of an area page %lu is %s",
                    page, there ? "there" : "gone");
    }
    probe_unmap(e, 4);
    writes_far();
    writes_many();
}

/* The kernel writes to shared pages, too: in its copies. */
void shared_copies(unsigned long argument)
{
    (void)argument;
    probe_new_space();
    fake_open(FILE_SIZE, O_RDWR);
    uint64_t a = map_shared(5, PROT_READ | PROT_WRITE, 0), b = map_shared(2, PROT_READ, 0);
    struct task *task = &probe_process.task;
    static char bytes[2 * PAGE_SIZE];
    memset(bytes, 0x77, sizeof(bytes));
    forget_writes();
    /* To a page that is not there; to one that was read; across two. */
    PROBE_CHECK(user_memory->out(task, a + 8, bytes, 8) == 0,
                "the kernel cannot write to a shared page that is not there");
    loaded(a + PAGE_SIZE);
    PROBE_CHECK(user_memory->out(task, a + PAGE_SIZE, bytes, 8) == 0,
                "the kernel cannot write to a shared page that has been read");
    loaded(a + 2 * PAGE_SIZE);
    PROBE_CHECK(user_memory->out(task, a + 3 * PAGE_SIZE - 4, bytes, 8) == 0,
                "the kernel cannot write across two shared pages");
    PROBE_CHECK(*probe_byte(a + 8) == 0x77 && loaded(b + 8) == 0x77,
                "what the kernel writes to a shared page is not seen");
    PROBE_CHECK(user_memory->out(task, b, bytes, 8) == -EFAULT,
                "the kernel writes to a shared mapping for reading only");
    PROBE_CHECK(user_memory->in(task, bytes, b, PAGE_SIZE) == 0 &&
                    user_memory->in(task, bytes, a + 4 * PAGE_SIZE, 100) == 0,
                "the kernel cannot read from a shared mapping");
    PROBE_CHECK(probe_call(SYS_MSYNC, a, 5 * PAGE_SIZE, 4, 0, 0, 0) == 0, "msync() has failed");
    expect_writes(15, "msync() after the kernel has written to pages 0 to 3, and read page 4");
    forget_writes();
    PROBE_CHECK(user_memory->out(task, a, bytes, 8) == 0,
                "the kernel cannot write to a shared page that msync() has written");
    probe_unmap(a, 5);
    expect_writes(1, "munmap() after the kernel has written to page 0");
}

/* When a program ends, what it has written goes to the file: by the end of its space, whoever causes that. */
void shared_end(unsigned long argument)
{
    (void)argument;
    fake_open(FILE_SIZE, O_RDWR);
    long frames = probe_frames;
    size_t heap = kmalloc_free_bytes();
    for (int round = 0; round < 2; round++) {
        struct process *process = process_create("writer");
        PROBE_CHECK(process && space_create(process) == 0, "no memory for a process");
        const struct area wanted = {.start = MMAP_BASE,
                                    .end = MMAP_BASE + 4 * PAGE_SIZE,
                                    .prot = RW_U,
                                    .backend = shared_file_backend(),
                                    .shared = true,
                                    .file = &fake.file,
                                    .offset = 2 * PAGE_SIZE};
        PROBE_CHECK(slot_below(spaces, 4)->map(process->space, &wanted) == 0,
                    "a shared area cannot be mapped");
        forget_writes();
        char byte = 'x';
        PROBE_CHECK(user_memory->out(&process->task, MMAP_BASE + PAGE_SIZE, &byte, 1) == 0 &&
                        user_memory->in(&process->task, &byte, MMAP_BASE + 2 * PAGE_SIZE, 1) == 0,
                    "a shared page cannot be touched");
        process->task.dying = round == 1;
        space_destroy(process);
        process_destroy(process);
        expect_writes(1 << 3, "the end of a space with a store to page 3 of a file");
    }
    PROBE_CHECK(probe_frames == frames && kmalloc_free_bytes() == heap && fake.file.references == 2,
                "spaces with shared mappings have kept %ld frames, %ld bytes, %d references",
                probe_frames - frames, (long)(heap - kmalloc_free_bytes()),
                (int)fake.file.references - 2);
}

/* Memory without a file that is shared: zeros, then what is written there; it takes what is touched. */
void shared_anonymous(unsigned long argument)
{
    (void)argument;
    enum { PAGES = 300 };
    long frames = probe_frames;
    size_t heap = kmalloc_free_bytes();
    probe_new_space();
    struct space *space = probe_process.space;
    uint64_t a = probe_map(0, PAGES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1UL, 0);
    for (uint64_t page = 0; page < PAGES; page += 50) {
        PROBE_CHECK(loaded(a + page * PAGE_SIZE + 7) == 0, "new memory that is shared is not zero");
        store(a + page * PAGE_SIZE + 7, (uint8_t)page);
    }
    PROBE_CHECK(probe_leaves(&space->table) == PAGES / 50,
                "%d shared pages were touched, %zu are there", PAGES / 50,
                probe_leaves(&space->table));
    /* Two mappings of the same memory, as fork() will make them: by the file, of which one shows a part. */
    const struct area *first = area_find(&space->areas, a);
    struct area second = *first;
    second.start = MMAP_BASE + (1UL << 30), second.end = second.start + 100 * PAGE_SIZE;
    second.offset = 100 * PAGE_SIZE;
    PROBE_CHECK(slot_below(spaces, 4)->map(space, &second) == 0, "a second mapping cannot be made");
    PROBE_CHECK(loaded(second.start + 7) == 100 && loaded(second.start + 50 * PAGE_SIZE + 7) == 150,
                "what was written to shared memory is not in a second mapping of it");
    store(second.start + 60 * PAGE_SIZE, 0x44);
    PROBE_CHECK(loaded(a + 160 * PAGE_SIZE) == 0x44,
                "what was written to a second mapping of shared memory is not in the first");
    PROBE_CHECK(probe_call(SYS_MSYNC, a, PAGES * PAGE_SIZE, 4, 0, 0, 0) == 0,
                "msync() of shared memory has failed");
    /* Dropped and brought in again it is the same: nobody else has it. */
    first = area_find(&space->areas, a);
    first->backend->drop(space, first, first->start, first->end);
    PROBE_CHECK(loaded(a + 50 * PAGE_SIZE + 7) == 50, "what was written to shared memory is lost");
    probe_unmap(a, PAGES);
    PROBE_CHECK(loaded(second.start + 50 * PAGE_SIZE + 7) == 150,
                "shared memory goes with its first mapping, though there is another");
    probe_unmap(second.start, 100);
    /* A large area costs what it has. */
    const uint64_t large = 64UL << 30;
    a = probe_map(0, large / PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1UL,
                  0);
    store(a + large / 3, 1);
    uint64_t began = csr_read(instret);
    long result = probe_call(SYS_MSYNC, a, large, 4, 0, 0, 0);
    probe_unmap(a, large / PAGE_SIZE);
    uint64_t took = (csr_read(instret) - began) / 2; /* 2 to an instruction (shift 1) */
    PROBE_CHECK(result == 0 && took < 1000000,
                "msync() and munmap() of 64 GiB, of which a page is there, took %lu instructions: "
                "write_back_pages() or drop() looks at each page that there could be",
                took);
    page_table->destroy(&space->table);
    PROBE_CHECK(probe_frames == frames && kmalloc_free_bytes() == heap,
                "shared memory has kept %ld frames, and %ld bytes of the kernel's",
                probe_frames - frames, (long)(heap - kmalloc_free_bytes()));
}

static bool synced_after_write;

static int note_sync(struct file *file)
{
    (void)file;
    synced_after_write = page_written[1];
    return 0;
}

static int cannot_sync(struct file *file)
{
    (void)file;
    return -EIO;
}

/* What msync() can be asked, and when it syncs the file. */
void shared_msync(unsigned long argument)
{
    (void)argument;
    probe_new_space();
    fake_open(FILE_SIZE, O_RDWR);
    uint64_t a = map_shared(3, PROT_READ | PROT_WRITE, 0);
    probe_map(a + 4 * PAGE_SIZE, 2, PROT_READ, ANON | MAP_FIXED_NOREPLACE, -1UL, 0);
    probe_map(USER_END - PAGE_SIZE, 1, PROT_READ, ANON | MAP_FIXED_NOREPLACE, -1UL, 0);
    const struct {
        uint64_t address, length, flags;
        long result;
    } calls[] = {
        {a, 3 * PAGE_SIZE, 4, 0},
        {a, 3 * PAGE_SIZE, 0, 0},
        {a, 3 * PAGE_SIZE, 1, 0},
        {a, 3 * PAGE_SIZE, 2 | 4, 0},
        {a, 3 * PAGE_SIZE, 1 | 4, -EINVAL},
        {a, 3 * PAGE_SIZE, 8, -EINVAL},
        {a + 1, PAGE_SIZE, 4, -EINVAL},
        {a, 0, 4, 0},
        {a + 2 * PAGE_SIZE, 1, 4, 0},
        {a, 3 * PAGE_SIZE + 1, 4, -ENOMEM},
        {a, 6 * PAGE_SIZE, 4, -ENOMEM},
        {a + 3 * PAGE_SIZE, PAGE_SIZE, 4, -ENOMEM},
        {a + 4 * PAGE_SIZE, 2 * PAGE_SIZE, 4, 0},
        {a + 4 * PAGE_SIZE, 3 * PAGE_SIZE, 4, -ENOMEM},
        {a, -4096UL, 4, -ENOMEM},
        {USER_END - PAGE_SIZE, PAGE_SIZE, 4, 0},
        {USER_END - PAGE_SIZE, PAGE_SIZE + 1, 4, -ENOMEM},
        {TRAMPOLINE, PAGE_SIZE, 4, -ENOMEM},
        {a, (1UL << 32) + PAGE_SIZE, 4, -ENOMEM},
        {a + (1UL << 32), PAGE_SIZE, 4, -ENOMEM},
        {a, 3 * PAGE_SIZE, 1UL << 32 | 4, 0},
        {a, 3 * PAGE_SIZE, 1UL << 63 | 2, 0},
        {a, 3 * PAGE_SIZE, 1UL << 31, -EINVAL},
        {a, 3 * PAGE_SIZE, 0x100 | 4, -EINVAL},
    };
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        store(a + PAGE_SIZE, (uint8_t)i);
        fake.syncs = 0;
        forget_writes();
        long result =
            probe_call(SYS_MSYNC, calls[i].address, calls[i].length, calls[i].flags, 0, 0, 0);
        PROBE_CHECK(result == calls[i].result, "msync(a+0x%lx, 0x%lx, %lu) returned %ld, not %ld",
                    calls[i].address - a, calls[i].length, calls[i].flags, result, calls[i].result);
        bool covers = calls[i].address == a && calls[i].length > PAGE_SIZE &&
                      calls[i].length < USER_END && calls[i].result != -EINVAL;
        if (covers) {
            expect_writes(2, "msync() of a range with page 1, which was written");
            PROBE_CHECK(!(calls[i].flags & 4) || fake.syncs > 0,
                        "msync() with MS_SYNC does not sync the file");
            PROBE_CHECK(!(calls[i].flags & 1) || fake.syncs == 0,
                        "msync() with MS_ASYNC waits until the file is on the disk");
        }
    }
    PROBE_CHECK(fake.stored[1] != 0, "nothing has been written");
    /* Written, then synced; what sync() says is told; a file may have none. */
    struct file_ops ops = *fake.file.ops;
    fake.file.ops = &ops;
    ops.sync = note_sync;
    store(a + PAGE_SIZE, 1);
    forget_writes();
    PROBE_CHECK(probe_call(SYS_MSYNC, a, 3 * PAGE_SIZE, 4, 0, 0, 0) == 0 && synced_after_write,
                "msync() with MS_SYNC syncs the file before it has written what was stored");
    ops.sync = cannot_sync;
    long result = probe_call(SYS_MSYNC, a, 3 * PAGE_SIZE, 4, 0, 0, 0);
    PROBE_CHECK(result == -EIO, "msync() with MS_SYNC of a file whose sync() fails returned %ld",
                result);
    ops.sync = NULL;
    store(a + PAGE_SIZE, 2);
    forget_writes();
    result = probe_call(SYS_MSYNC, a, 3 * PAGE_SIZE, 4, 0, 0, 0);
    PROBE_CHECK(result == 0, "msync() with MS_SYNC of a file without sync() returned %ld", result);
    expect_writes(2, "msync() of a file without sync()");
    /* A hole does not keep what lies behind it from being written. */
    uint64_t behind = probe_map(a + 8 * PAGE_SIZE, 2, PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_FIXED_NOREPLACE, FAKE_FD, 2 * PAGE_SIZE);
    store(behind + PAGE_SIZE, 3);
    forget_writes();
    result = probe_call(SYS_MSYNC, a, 10 * PAGE_SIZE, 4, 0, 0, 0);
    PROBE_CHECK(result == -ENOMEM, "msync() of mappings with holes between them returned %ld",
                result);
    expect_writes(1 << 3, "msync() of mappings, with a store to page 3 behind the hole");
}
