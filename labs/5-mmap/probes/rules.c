/* rules.c: probes of what can be asked of mmap(), and where there is room (task 5.1). */
#include "errno.h"
#include "memory.h"
#include "probes.h"

enum { CONSOLE_FD = 0, READ_FD = 6, WRITE_FD = 7 };

/* Files of the probe's process: FAKE_FD for reading and writing, and two more of the same. */
static void open_files(void)
{
    static struct file reading, writing;
    fake_open(10 * PAGE_SIZE, O_RDWR);
    reading = writing = fake.file;
    reading.flags = O_RDONLY, writing.flags = O_WRONLY;
    probe_process.files[CONSOLE_FD] = &console_input;
    probe_process.files[READ_FD] = &reading;
    probe_process.files[WRITE_FD] = &writing;
}

/* Each rule of mmap() alone broken, and arguments that break none. */
void rules_errors(unsigned long argument)
{
    (void)argument;
    const unsigned private = MAP_PRIVATE, fixed = ANON | MAP_FIXED,
                   no_replace = ANON | MAP_FIXED_NOREPLACE;
    const uint64_t fd = FAKE_FD, none = -1UL;
    const struct {
        uint64_t args[6];
        int result;
    } cases[] = {
        {{0, 1, PROT_READ, ANON, none, 0}, 0},
        {{0, 0, PROT_READ, ANON, none, 0}, -EINVAL},
        {{0, PAGE_SIZE, PROT_READ, MAP_ANONYMOUS, none, 0}, -EINVAL},
        {{0, PAGE_SIZE, PROT_READ, MAP_ANONYMOUS | MAP_SHARED | MAP_PRIVATE, none, 0}, -EINVAL},
        {{0, PAGE_SIZE, PROT_READ, MAP_ANONYMOUS | 4, none, 0}, -EINVAL},
        {{0, PAGE_SIZE, PROT_READ, ANON | 4, none, 0}, -EINVAL},
        {{0, PAGE_SIZE, PROT_READ, MAP_SHARED | 8, fd, 0}, -EINVAL},
        {{0, PAGE_SIZE, PROT_READ, 0, fd, 0}, -EINVAL},
        {{0, PAGE_SIZE, PROT_READ, private, fd, 1}, -EINVAL},
        {{0, PAGE_SIZE, PROT_READ, private, fd, PAGE_SIZE - 1}, -EINVAL},
        {{0, PAGE_SIZE, PROT_READ, private, fd, PAGE_SIZE}, 0},
        {{0, PAGE_SIZE, PROT_READ, private, fd, 100 * PAGE_SIZE}, 0},
        {{0, PAGE_SIZE, PROT_READ, private, none, 0}, -EBADF},
        {{0, PAGE_SIZE, PROT_READ, private, 9, 0}, -EBADF},
        {{0, PAGE_SIZE, PROT_READ, private, 1000000, 0}, -EBADF},
        {{0, PAGE_SIZE, PROT_READ, private, 1UL << 31 | FAKE_FD, 0}, -EBADF},
        {{0, PAGE_SIZE, PROT_READ, private, 256 + FAKE_FD, 0}, -EBADF},
        {{0, PAGE_SIZE, PROT_READ, ANON, 9, 0}, 0},
        {{0, PAGE_SIZE, PROT_READ, private, READ_FD, 0}, 0},
        {{0, PAGE_SIZE, PROT_READ | PROT_WRITE, private, READ_FD, 0}, 0},
        {{0, PAGE_SIZE, PROT_READ, MAP_SHARED, READ_FD, 0}, 0},
        {{0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, READ_FD, 0}, -EACCES},
        {{0, PAGE_SIZE, PROT_WRITE, MAP_SHARED, READ_FD, 0}, -EACCES},
        {{0, PAGE_SIZE, PROT_WRITE, MAP_SHARED, fd, 0}, 0},
        {{0, PAGE_SIZE, PROT_READ, private, WRITE_FD, 0}, -EACCES},
        {{0, PAGE_SIZE, PROT_WRITE, MAP_SHARED, WRITE_FD, 0}, -EACCES},
        {{0, PAGE_SIZE, PROT_READ, private, CONSOLE_FD, 0}, -ENODEV},
        {{0, USER_END, PROT_READ, ANON, none, 0}, 0},
        {{0, USER_END + 1, PROT_READ, ANON, none, 0}, -ENOMEM},
        {{0, 1UL << 62, PROT_READ, ANON, none, 0}, -ENOMEM},
        {{0, -1UL, PROT_READ, ANON, none, 0}, -ENOMEM},
        {{0, -4096UL, PROT_READ, ANON, none, 0}, -ENOMEM},
        {{MMAP_BASE + 1, PAGE_SIZE, PROT_READ, ANON, none, 0}, 0},
        {{MMAP_BASE + 1, PAGE_SIZE, PROT_READ, fixed, none, 0}, -EINVAL},
        {{MMAP_BASE + 1, PAGE_SIZE, PROT_READ, no_replace, none, 0}, -EINVAL},
        {{USER_END - PAGE_SIZE, PAGE_SIZE, PROT_READ, fixed, none, 0}, 0},
        {{USER_END - PAGE_SIZE, PAGE_SIZE + 1, PROT_READ, fixed, none, 0}, -ENOMEM},
        {{USER_END, PAGE_SIZE, PROT_READ, fixed, none, 0}, -ENOMEM},
        {{USER_END - PAGE_SIZE, 2 * PAGE_SIZE, PROT_READ, no_replace, none, 0}, -ENOMEM},
        {{-4096UL, PAGE_SIZE, PROT_READ, fixed, none, 0}, -ENOMEM},
        {{TRAMPOLINE, PAGE_SIZE, PROT_READ, fixed, none, 0}, -ENOMEM},
        {{-1UL, PAGE_SIZE, PROT_READ, ANON, none, 0}, 0},
        {{MMAP_MIN, PAGE_SIZE, PROT_READ, fixed, none, 0}, 0},
        {{MMAP_MIN - PAGE_SIZE, PAGE_SIZE, PROT_READ, fixed, none, 0}, -EPERM},
        {{0, PAGE_SIZE, PROT_READ, fixed, none, 0}, -EPERM},
        {{0, PAGE_SIZE, PROT_READ, no_replace, none, 0}, -EPERM},
        {{0, PAGE_SIZE, PROT_READ, private, fd, (1UL << 32) + 1}, -EINVAL},
        {{0, PAGE_SIZE, PROT_READ, private, fd, (1UL << 32) - PAGE_SIZE}, 0},
        {{0, 1UL << 32, PROT_READ, private, fd, 1UL << 40}, 0},
        {{0, (1UL << 32) + 1, PROT_READ, fixed, none, 0}, -EPERM},
        {{USER_END - (1UL << 32), (1UL << 32) + 1, PROT_READ, fixed, none, 0}, -ENOMEM},
        {{(1UL << 32) + MMAP_MIN, PAGE_SIZE, PROT_READ, fixed, none, 0}, 0},
        {{1UL << 32, PAGE_SIZE, PROT_READ, fixed, none, 0}, 0},
        {{0, 2 * PAGE_SIZE, PROT_READ, private, fd, -4096UL}, -EOVERFLOW},
        {{0, 3 * PAGE_SIZE, PROT_READ, private, fd, -2UL * PAGE_SIZE}, -EOVERFLOW},
    };
    probe_new_space();
    open_files();
    /* What says neither shared nor private; 3 of a file is another call of Linux's (MAP_SHARED_VALIDATE). */
    for (unsigned kind = 0; kind <= MAP_TYPE; kind++) {
        for (unsigned memory = 0; memory <= MAP_ANONYMOUS; memory += MAP_ANONYMOUS) {
            const uint64_t args[6] = {0, PAGE_SIZE, PROT_READ, kind | memory, FAKE_FD, 0};
            struct map_request request;
            long result = mmap_check(&probe_process.task, args, &request);
            bool right = kind == MAP_SHARED || kind == MAP_PRIVATE;
            PROBE_CHECK(result == (right ? 0 : -EINVAL) || (kind == 3 && !memory),
                        "mmap_check() of a mapping with flags 0x%x returned %ld (%s)",
                        kind | memory, result, result ? errno_name(result) : "0");
        }
    }
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct map_request request;
        const uint64_t *a = cases[i].args;
        unsigned before = fake.file.references;
        long result = mmap_check(&probe_process.task, a, &request);
        PROBE_CHECK(
            result == cases[i].result,
            "mmap_check(0x%lx, 0x%lx, %s, 0x%lx, %ld, 0x%lx) returned %ld (%s), not %d (%s)", a[0],
            a[1], probe_prot((unsigned)a[2]), a[3], (long)a[4], a[5], result,
            result ? errno_name(result) : "0", cases[i].result,
            cases[i].result ? errno_name(cases[i].result) : "0");
        PROBE_CHECK(fake.file.references == before && !fake.reads && !fake.pages,
                    "mmap_check() has changed the file's references, or read it");
    }
}

/* What a request says that has been looked at. */
void rules_request(unsigned long argument)
{
    (void)argument;
    const uint64_t upper = 0x5a5a5a5a00000000UL;
    const struct {
        uint64_t args[6];
        struct map_request request;
    } cases[] = {
        {{0, 1, PROT_READ, ANON, 0, 0}, {0, PAGE_SIZE, PROT_READ | PROT_USER, ANON, NULL, 0}},
        {{0x12345, PAGE_SIZE + 1, 0, ANON, 0, 0},
         {0x12345, 2 * PAGE_SIZE, PROT_USER, ANON, NULL, 0}},
        {{0, PAGE_SIZE, PROT_WRITE, ANON, 0, 0}, {0, PAGE_SIZE, RW_U, ANON, NULL, 0}},
        {{0, PAGE_SIZE, PROT_EXEC, ANON, 0, 0},
         {0, PAGE_SIZE, PROT_EXEC | PROT_USER, ANON, NULL, 0}},
        {{0, PAGE_SIZE, upper | PROT_READ | 0xf00, upper | ANON, FAKE_FD, 0},
         {0, PAGE_SIZE, PROT_READ | PROT_USER, ANON, NULL, 0}},
        {{0, 5 * PAGE_SIZE - 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, FAKE_FD, 3 * PAGE_SIZE},
         {0, 5 * PAGE_SIZE, PROT_READ | PROT_EXEC | PROT_USER, MAP_PRIVATE, &fake.file,
          3 * PAGE_SIZE}},
        {{0, PAGE_SIZE, PROT_READ, MAP_SHARED, upper | FAKE_FD, 0},
         {0, PAGE_SIZE, PROT_READ | PROT_USER, MAP_SHARED, &fake.file, 0}},
        {{(9UL << 32) + 5, (3UL << 32) + 1, PROT_READ, MAP_PRIVATE, FAKE_FD,
          (5UL << 32) + PAGE_SIZE},
         {(9UL << 32) + 5, (3UL << 32) + PAGE_SIZE, PROT_READ | PROT_USER, MAP_PRIVATE, &fake.file,
          (5UL << 32) + PAGE_SIZE}},
        {{0, PAGE_SIZE, PROT_USER, ANON | MAP_POPULATE, 0, 0},
         {0, PAGE_SIZE, PROT_USER, ANON | MAP_POPULATE, NULL, 0}},
        {{MMAP_MIN, PAGE_SIZE, PROT_READ, ANON | MAP_FIXED_NOREPLACE, 0, 0},
         {MMAP_MIN, PAGE_SIZE, PROT_READ | PROT_USER, ANON | MAP_FIXED_NOREPLACE, NULL, 0}},
        {{MMAP_MIN, PAGE_SIZE, PROT_READ, ANON | MAP_FIXED, 0, 0},
         {MMAP_MIN, PAGE_SIZE, PROT_READ | PROT_USER, ANON | MAP_FIXED, NULL, 0}},
    };
    probe_new_space();
    open_files();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct map_request got;
        const struct map_request *want = &cases[i].request;
        const uint64_t *a = cases[i].args;
        long result = mmap_check(&probe_process.task, a, &got);
        PROBE_CHECK(result == 0, "mmap_check() of what can be asked returned %ld", result);
        PROBE_CHECK(got.address == want->address && got.length == want->length,
                    "mmap_check(0x%lx, 0x%lx, …): address 0x%lx, length 0x%lx", a[0], a[1],
                    got.address, got.length);
        PROBE_CHECK(got.prot == want->prot, "mmap_check(…, prot 0x%lx, …): prot is %s, not %s",
                    a[2], probe_prot(got.prot), probe_prot(want->prot));
        const unsigned known =
            MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_POPULATE | MAP_FIXED_NOREPLACE;
        PROBE_CHECK((got.flags & known) == want->flags,
                    "mmap_check(…, flags 0x%lx, …): flags are 0x%x", a[3], got.flags);
        PROBE_CHECK(
            got.file == want->file && (!got.file || got.offset == want->offset),
            "mmap_check(…, flags 0x%lx, fd %ld, offset 0x%lx): the file is %p, its offset 0x%lx",
            a[3], (long)a[4], a[5], (void *)got.file, got.offset);
    }
}

/* Put an area there that nobody asked mmap() for.  Pages from MMAP_BASE on. */
static void occupy(uint64_t start, uint64_t end)
{
    const struct area wanted = {
        .start = start, .end = end, .prot = RW_U, .backend = spaces->anonymous};
    int error = slot_below(spaces, 4)->map(probe_process.space, &wanted);
    PROBE_CHECK(error == 0, "an area at 0x%lx cannot be mapped: %d", start, error);
}

static void expect_place(uint64_t hint, uint64_t length, uint64_t wanted)
{
    uint64_t found = find_unmapped_area(probe_process.space, hint, length);
    PROBE_CHECK(found == wanted,
                "find(hint 0x%lx, length 0x%lx) returned 0x%lx, not 0x%lx; areas: %s", hint, length,
                found, wanted, probe_areas());
}

void rules_find(unsigned long argument)
{
    (void)argument;
    const uint64_t base = MMAP_BASE, end = MMAP_END, page = PAGE_SIZE;
    probe_new_space();
    expect_place(0, page, base);
    expect_place(0, end - base, base);
    expect_place(0, end - base + page, 0);
    expect_place(base + 7 * page, page, base + 7 * page);
    expect_place(base + 7 * page + 1, page, base + 8 * page);
    expect_place(base - page, page, base);
    expect_place(0x20000, page, base);
    expect_place(end, page, base);
    expect_place(end - 1, page, base);
    expect_place(end - page, page, end - page);
    expect_place(end - page, 2 * page, base);
    expect_place(USER_STACK_TOP - page, page, base);
    expect_place(USER_END, page, base);
    expect_place(-1UL, page, base);
    expect_place(-page, page, base);
    /* A program, a heap, a stack: in nobody's way. */
    occupy(0x10000, 0x30000);
    occupy(USER_STACK_TOP - USER_STACK_SIZE, USER_STACK_TOP);
    expect_place(0, page, base);
    expect_place(0x20000, page, base);
    /* Gaps of 1, 2 and 3 pages. */
    occupy(base, base + 2 * page);
    occupy(base + 3 * page, base + 4 * page);
    occupy(base + 6 * page, base + 7 * page);
    occupy(base + 10 * page, base + 12 * page);
    expect_place(0, page, base + 2 * page);
    expect_place(0, 2 * page, base + 4 * page);
    expect_place(0, 3 * page, base + 7 * page);
    expect_place(0, 4 * page, base + 12 * page);
    expect_place(base + page, page, base + 2 * page);
    expect_place(base + 3 * page, page, base + 4 * page);
    expect_place(base + 5 * page, 2 * page, base + 7 * page);
    expect_place(base + 8 * page, 2 * page, base + 8 * page);
    expect_place(base + 8 * page, 3 * page, base + 12 * page);
    /* The lowest, not the smallest. */
    occupy(base + 13 * page, base + 14 * page);
    expect_place(base + 3 * page, page, base + 4 * page);
    occupy(base + 2 * page, base + 3 * page);
    expect_place(0, page, base + 4 * page);
    /* What reaches into the part for mappings from outside, and up to its end. */
    occupy(end - 3 * page, end + 5 * page);
    expect_place(end - 4 * page, page, end - 4 * page);
    expect_place(end - 4 * page, 2 * page, base + 4 * page);
    expect_place(end - 2 * page, page, base + 4 * page);
    /* No hint leads to less than there is. */
    probe_new_space();
    occupy(base + page, end);
    expect_place(end - 20 * page, page, base);
    expect_place(0, page, base);
    expect_place(0, 2 * page, 0);
    occupy(base, base + page);
    expect_place(0, page, 0);
    expect_place(base, page, 0);
}

/* Areas come and go; where is the lowest place?  Against a look at each page. */
void rules_random(unsigned long argument)
{
    (void)argument;
    enum { PAGES = 64 };
    static bool used[PAGES];
    probe_new_space();
    struct space *space = probe_process.space;
    struct operation op;
    while (probe_next(&op)) {
        if (op.number >= PROBE_OPERATIONS / 10)
            continue;
        uint64_t at = op.random[0] % PAGES, n = 1 + op.random[1] % 6;
        uint64_t start = MMAP_BASE + at * PAGE_SIZE;
        if (op.random[2] % 3 == 0) {
            struct area *area = area_find(&space->areas, start);
            probe_say("what lies at page %lu goes", at);
            if (area) {
                for (uint64_t va = area->start; va < area->end; va += PAGE_SIZE)
                    used[(va - MMAP_BASE) / PAGE_SIZE] = false;
                spaces->unmap(space, area);
            }
        } else if (op.random[2] % 3 == 1) {
            bool is_free = at + n <= PAGES;
            for (uint64_t i = at; is_free && i < at + n; i++)
                is_free = !used[i];
            if (!is_free)
                continue;
            probe_say("an area comes, pages %lu to %lu", at, at + n - 1);
            occupy(start, start + n * PAGE_SIZE);
            for (uint64_t i = at; i < at + n; i++)
                used[i] = true;
        }
        uint64_t hint = op.random[2] / 3 % 4 == 0 ? 0 : start - op.random[1] / 8 % PAGE_SIZE;
        uint64_t first = hint > MMAP_BASE ? (page_up(hint) - MMAP_BASE) / PAGE_SIZE : 0, length = 0;
        uint64_t wanted = first;
        for (uint64_t i = first; i < PAGES && length < n; i++) {
            length = used[i] ? 0 : length + 1;
            wanted = used[i] ? i + 1 : wanted;
        }
        probe_say("a place for %lu pages, hint 0x%lx", n, hint);
        expect_place(hint, n * PAGE_SIZE, MMAP_BASE + wanted * PAGE_SIZE);
    }
}
