/* protect.c: probes of mprotect() (task 5.6). */
#include "errno.h"
#include "frame.h"
#include "job.h"
#include "kmalloc.h"
#include "memory.h"
#include "probes.h"
#include "riscv.h"
#include "string.h"

/* What the protect() of a backend has been asked to do: how many pages from where. */
static uint64_t asked_start, asked_pages;

static void note_protect(struct space *space, const struct area *area, uint64_t start, uint64_t end,
                         unsigned prot)
{
    (void)space;
    PROBE_CHECK(area->prot == RW_U && prot == (PROT_USER | PROT_READ),
                "protect() of a backend is asked to make an area that is %s (area->prot) %s; it "
                "was rw-u, and is to be r--u",
                probe_prot(area->prot), probe_prot(prot));
    PROBE_CHECK(start >= area->start && start < end && end <= area->end,
                "protect() of a backend is asked for 0x%lx-0x%lx of an area 0x%lx-0x%lx", start,
                end, area->start, area->end);
    asked_start = asked_pages == 0 || start < asked_start ? start : asked_start;
    asked_pages += (end - start) / PAGE_SIZE;
}

/* Permissions in areas, in pages that are there, and in pages that come. */
void protect_pages(unsigned long argument)
{
    (void)argument;
    enum { PAGES = 4 };
    for (unsigned from = 0; from < 8; from++) {
        for (unsigned to = 0; to < 8; to++) {
            probe_new_space();
            struct space *space = probe_process.space;
            uint64_t start = probe_map(0, PAGES, from, ANON | MAP_POPULATE, -1UL, 0);
            spaces->anonymous->drop(space, area_find(&space->areas, start), start + PAGE_SIZE,
                                    start + 2 * PAGE_SIZE);
            uint8_t *byte = probe_byte(start + 2 * PAGE_SIZE);
            *byte = 0x3c;
            probe_protect(start, PAGES, to);
            unsigned want = to | PROT_USER | (to & PROT_WRITE ? PROT_READ : 0);
            const struct area *area = area_find(&space->areas, start);
            PROBE_CHECK(area && area->prot == want && probe_coalesced(0, USER_END) == 1,
                        "after mprotect(%s) of what was %s: %s", probe_prot(to), probe_prot(from),
                        probe_areas());
            for (uint64_t page = 0; page < PAGES; page++) {
                uint64_t va = start + page * PAGE_SIZE, pte = probe_leaf(&space->table, va);
                unsigned now = pte_prot(pte), full = to ? want : PROT_NONE;
                PROBE_CHECK((pte != 0) == (page != 1), "after mprotect() page %lu is %s", page,
                            pte ? "there" : "gone");
                PROBE_CHECK(page == 1 || now == full,
                            "after mprotect(%s) of what was %s a page that is there is %s",
                            probe_prot(to), probe_prot(from), probe_prot(now));
                for (unsigned access = 1; access <= 4; access *= 2) {
                    long error = probe_touch(va, (enum access)access);
                    PROBE_CHECK(error == (want & access ? 0 : -EFAULT),
                                "after mprotect(%s): fault() of page %lu for %s returned %ld",
                                probe_prot(to), page, probe_prot(access), error);
                }
            }
            probe_protect(start, PAGES, PROT_READ);
            PROBE_CHECK(probe_byte(start + 2 * PAGE_SIZE) == byte && *byte == 0x3c,
                        "what was in a page is lost by mprotect()");
        }
    }
    /* A shared page that was written, and cannot be any more, is not forgotten. */
    probe_new_space();
    fake_open(4 * PAGE_SIZE, O_RDWR);
    uint64_t start = probe_map(0, 4, PROT_READ | PROT_WRITE, MAP_SHARED, FAKE_FD, 0);
    for (uint64_t page = 0; page < 3; page++) {
        PROBE_CHECK(probe_touch(start + page * PAGE_SIZE, ACCESS_WRITE) == 0,
                    "a shared page cannot be written");
        probe_cpu_stores(start + page * PAGE_SIZE, (uint8_t)(0x90 + page));
    }
    probe_protect(start, 1, PROT_READ);
    probe_protect(start + PAGE_SIZE, 1, PROT_NONE);
    probe_protect(start + 2 * PAGE_SIZE, 1, PROT_READ);
    PROBE_CHECK(probe_touch(start, ACCESS_WRITE) == -EFAULT,
                "a shared page can be written after mprotect(PROT_READ)");
    probe_protect(start + 2 * PAGE_SIZE, 1, PROT_READ | PROT_WRITE);
    PROBE_CHECK(probe_touch(start + 2 * PAGE_SIZE, ACCESS_WRITE) == 0,
                "a shared page cannot be written after mprotect(PROT_READ | PROT_WRITE)");
    probe_unmap(start, 4);
    for (uint64_t page = 0; page < 3; page++)
        PROBE_CHECK(
            fake.stored[page] == 0x90 + page,
            "page %lu of a shared mapping was written, then protected; it never came to the "
            "file: shared_protect()?",
            page);

    /* A backend that knows better than page_table->protect() is asked: once for each page, before the area changes. */
    probe_new_space();
    const struct backend own = {.name = "own",
                                .fill = spaces->anonymous->fill,
                                .drop = spaces->anonymous->drop,
                                .protect = note_protect};
    const struct area wanted = {.start = MMAP_BASE,
                                .end = MMAP_BASE + 6 * PAGE_SIZE,
                                .prot = RW_U,
                                .populate = true,
                                .backend = &own};
    PROBE_CHECK(slot_below(spaces, 4)->map(probe_process.space, &wanted) == 0,
                "an area cannot be mapped");
    asked_pages = 0;
    probe_protect(MMAP_BASE + 2 * PAGE_SIZE, 3, PROT_READ);
    PROBE_CHECK(asked_pages == 3 && asked_start == MMAP_BASE + 2 * PAGE_SIZE,
                "mprotect() of pages 2 to 4 of an area: protect() of its backend is asked for %lu "
                "pages from 0x%lx on; the area begins at 0x%lx",
                asked_pages, asked_start, MMAP_BASE);
}

/* mprotect() of the middle of an area, with kernel memory for so many cuts: no page has what its area has not. */
static void protect_with_memory_for(int cuts)
{
    enum { PAGES = 9, FIRST = 3, END = 6, BLOCKS = 64 };
    void *held[BLOCKS], *spare[2];
    size_t blocks = 0;
    probe_new_space();
    struct space *space = probe_process.space;
    uint64_t start = probe_map(0, PAGES, PROT_READ | PROT_WRITE, ANON | MAP_POPULATE, -1UL, 0);
    for (int i = 0; i < 2; i++)
        spare[i] = kmalloc(sizeof(struct area));
    for (size_t size = 1 << 20; size >= 16; size /= 2)
        while (blocks < BLOCKS && (held[blocks] = kmalloc(size)))
            blocks++;
    for (int i = 0; i < cuts; i++)
        kfree(spare[i]);
    long result = probe_call(SYS_MPROTECT, start + FIRST * PAGE_SIZE, (END - FIRST) * PAGE_SIZE,
                             PROT_READ, 0, 0, 0);
    while (blocks > 0)
        kfree(held[--blocks]);
    for (int i = cuts; i < 2; i++)
        kfree(spare[i]);
    PROBE_CHECK(result == 0 || (result == -ENOMEM && cuts < 2),
                "mprotect() with memory for %d cuts of the two it needs returned %ld", cuts,
                result);
    for (uint64_t page = 0; page < PAGES; page++) {
        const struct area *area = area_find(&space->areas, start + page * PAGE_SIZE);
        unsigned prot = pte_prot(probe_leaf(&space->table, start + page * PAGE_SIZE));
        bool inside = page >= FIRST && page < END;
        PROBE_CHECK(area && prot == area->prot &&
                        (prot == RW_U || (inside && prot == (PROT_USER | PROT_READ))) &&
                        (result != 0 || !inside || prot != RW_U),
                    "mprotect(r--) of pages %d to %d of an area that is rw-u, with memory for %d "
                    "cuts, returned %ld; then page %lu is %s in the page table, its area %s",
                    FIRST, END - 1, cuts, result, page, probe_prot(prot),
                    area ? probe_prot(area->prot) : "gone");
    }
}

/* What is left of an area keeps its permissions, its file, its pages. */
void protect_cuts(unsigned long argument)
{
    (void)argument;
    enum { PAGES = 9 };
    const struct {
        uint64_t first, end;
        size_t pieces;
    } cuts[] = {{0, 3, 2}, {6, 9, 2}, {3, 6, 3}, {0, 9, 1}, {4, 5, 3}};
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        probe_new_space();
        fake_open(20 * PAGE_SIZE, O_RDONLY);
        struct space *space = probe_process.space;
        uint64_t start = probe_map(0, PAGES, PROT_READ, MAP_PRIVATE, FAKE_FD, 2 * PAGE_SIZE);
        for (uint64_t page = 0; page < PAGES; page += 2)
            probe_touch(start + page * PAGE_SIZE, ACCESS_READ);
        long frames = probe_frames;
        probe_protect(start + cuts[i].first * PAGE_SIZE, cuts[i].end - cuts[i].first,
                      PROT_READ | PROT_WRITE);
        PROBE_CHECK(probe_coalesced(start, start + PAGES * PAGE_SIZE) == cuts[i].pieces,
                    "after mprotect() of pages %lu to %lu of %d: %s", cuts[i].first,
                    cuts[i].end - 1, PAGES, probe_areas());
        PROBE_CHECK(probe_frames == frames, "mprotect() has taken, or given back, frames");
        for (uint64_t page = 0; page < PAGES; page++) {
            uint64_t va = start + page * PAGE_SIZE;
            bool changed = page >= cuts[i].first && page < cuts[i].end;
            const struct area *area = area_find(&space->areas, va);
            unsigned want = changed ? RW_U : PROT_READ | PROT_USER;
            PROBE_CHECK(area && area->prot == want && area->file == &fake.file &&
                            area->offset + (va - area->start) == (page + 2) * PAGE_SIZE,
                        "after mprotect() of pages %lu to %lu page %lu is %s, at 0x%lx of its file",
                        cuts[i].first, cuts[i].end - 1, page,
                        area ? probe_prot(area->prot) : "gone",
                        area ? area->offset + (va - area->start) : 0);
            PROBE_CHECK(probe_touch(va, changed ? ACCESS_WRITE : ACCESS_READ) == 0 &&
                            *probe_byte(va) == fake_byte((page + 2) * PAGE_SIZE),
                        "after mprotect() page %lu cannot be touched, or shows something else",
                        page);
        }
        probe_unmap(start, PAGES);
        PROBE_CHECK(fake.file.references == 2, "all is unmapped, and the file has %u references",
                    fake.file.references);
    }
    /* Across three areas, and again over all that. */
    probe_new_space();
    uint64_t start = probe_map(0, 3, PROT_READ, ANON, -1UL, 0);
    probe_map(0, 3, PROT_READ | PROT_EXEC, ANON, -1UL, 0);
    probe_map(0, 3, PROT_NONE, ANON, -1UL, 0);
    probe_protect(start + PAGE_SIZE, 7, PROT_READ | PROT_WRITE);
    PROBE_CHECK(
        probe_coalesced(start, start + 9 * PAGE_SIZE) == 3,
        "after mprotect() from the second page of an area to the second of the next but one: %s",
        probe_areas());
    probe_protect(start, 9, PROT_READ);
    PROBE_CHECK(probe_coalesced(start, start + 9 * PAGE_SIZE) == 1,
                "after mprotect() of everything: %s", probe_areas());
    /* The length is rounded up to pages. */
    const uint64_t lengths[] = {1, PAGE_SIZE - 1, PAGE_SIZE + 1};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        probe_new_space();
        start = probe_map(0, 6, PROT_READ, ANON, -1UL, 0);
        long result = probe_call(SYS_MPROTECT, start + 2 * PAGE_SIZE, lengths[i],
                                 PROT_READ | PROT_WRITE, 0, 0, 0);
        PROBE_CHECK(result == 0, "mprotect() of 0x%lx bytes returned %ld", lengths[i], result);
        uint64_t end = 2 * PAGE_SIZE + page_up(lengths[i]);
        for (uint64_t at = 0; at < 6 * PAGE_SIZE; at += PAGE_SIZE / 2) {
            const struct area *area = area_find(&probe_process.space->areas, start + at);
            unsigned want = at >= 2 * PAGE_SIZE && at < end ? RW_U : PROT_USER | PROT_READ;
            PROBE_CHECK(area && area->prot == want && area->start % PAGE_SIZE == 0 &&
                            area->end % PAGE_SIZE == 0,
                        "after mprotect() of 0x%lx bytes from page 2 of an area on, what lies at "
                        "0x%lx of it is %s; areas: %s",
                        lengths[i], at, area ? probe_prot(area->prot) : "gone", probe_areas());
        }
    }
    for (int memory = 0; memory <= 2; memory++)
        protect_with_memory_for(memory);
    /* A large area costs what it has. */
    probe_new_space();
    const uint64_t large = 64UL << 30;
    start = probe_map(0, large / PAGE_SIZE, PROT_READ | PROT_WRITE, ANON, -1UL, 0);
    PROBE_CHECK(probe_touch(start + large / 3, ACCESS_WRITE) == 0, "a page cannot be touched");
    uint64_t began = csr_read(instret);
    probe_protect(start, large / PAGE_SIZE, PROT_READ);
    uint64_t took = (csr_read(instret) - began) / 2; /* 2 to an instruction (shift 1) */
    PROBE_CHECK(
        took < 1000000,
        "mprotect() of 64 GiB, of which a page is there, took %lu instructions: it looks at "
        "each page that there could be",
        took);
    for (uint64_t at = 0; at < large; at += large / 3) {
        const struct area *area = area_find(&probe_process.space->areas, start + at);
        PROBE_CHECK(area && area->prot == (PROT_USER | PROT_READ) &&
                        probe_touch(start + at, ACCESS_WRITE) == -EFAULT,
                    "after mprotect(r--) of 64 GiB what lies 0x%lx behind its beginning is %s", at,
                    area ? probe_prot(area->prot) : "gone");
    }
    /* However many areas there are. */
    enum { MANY = 300 };
    probe_new_space();
    for (uint64_t i = 0; i < MANY; i++)
        start = probe_map(0, 1, i % 2 ? PROT_READ : PROT_NONE, ANON, -1UL, 0);
    probe_protect(MMAP_BASE, MANY, PROT_READ | PROT_WRITE);
    PROBE_CHECK(start == MMAP_BASE + (MANY - 1) * PAGE_SIZE &&
                    probe_coalesced(MMAP_BASE, start + PAGE_SIZE) == 1 &&
                    area_find(&probe_process.space->areas, start)->prot == RW_U,
                "after mprotect(rw-) of %d areas: %s", MANY, probe_areas());
}

/* What mprotect() can be asked. */
void protect_errors(unsigned long argument)
{
    (void)argument;
    static struct file reading;
    probe_new_space();
    fake_open(8 * PAGE_SIZE, O_RDWR);
    reading = fake.file;
    reading.flags = O_RDONLY;
    probe_process.files[6] = &reading;
    uint64_t a = probe_map(0, 4, PROT_READ, ANON, -1UL, 0);
    uint64_t shared = probe_map(a + 5 * PAGE_SIZE, 2, PROT_READ, MAP_SHARED, 6, 0);
    uint64_t private = probe_map(a + 8 * PAGE_SIZE, 2, PROT_READ, MAP_PRIVATE, 6, 0);
    uint64_t own = probe_map(a + 11 * PAGE_SIZE, 2, PROT_READ, MAP_SHARED, FAKE_FD, 0);
    probe_map(USER_END - PAGE_SIZE, 1, PROT_READ, ANON | MAP_FIXED_NOREPLACE, -1UL, 0);
    const struct {
        uint64_t address, length, prot;
        long result;
    } calls[] = {
        {USER_END - PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_WRITE, 0},
        {USER_END - PAGE_SIZE, PAGE_SIZE + 1, PROT_READ, -ENOMEM},
        {a + 1, PAGE_SIZE, PROT_READ, -EINVAL},
        {a, 0, PROT_READ, 0},
        {a + 4 * PAGE_SIZE, 0, PROT_READ, 0},
        {a, 0, 0x40, 0},
        {a + 1, 0, PROT_READ, -EINVAL},
        {a, 4 * PAGE_SIZE, 0x40, -EINVAL},
        {a, 4 * PAGE_SIZE, 1UL << 31 | PROT_READ, -EINVAL},
        {a, 4 * PAGE_SIZE + 1, PROT_READ, -ENOMEM},
        {a + 4 * PAGE_SIZE, PAGE_SIZE, PROT_READ, -ENOMEM},
        {a, 7 * PAGE_SIZE, PROT_READ, -ENOMEM},
        {a, -1UL, PROT_READ, -ENOMEM},
        {a, -4096UL, PROT_READ, -ENOMEM},
        {a, -4096UL, 0x40, -ENOMEM},
        {a, USER_END, 0x40, -EINVAL},
        {a + 4 * PAGE_SIZE, PAGE_SIZE, 0x40, -EINVAL},
        {a, USER_END, PROT_READ, -ENOMEM},
        {TRAMPOLINE, PAGE_SIZE, PROT_READ | PROT_WRITE, -ENOMEM},
        {-4096UL, PAGE_SIZE, PROT_READ, -ENOMEM},
        {shared, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE, -EACCES},
        {shared, PAGE_SIZE, PROT_WRITE, -EACCES},
        {shared, 2 * PAGE_SIZE, PROT_READ | PROT_EXEC, 0},
        {private, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE, 0},
        {own, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE, 0},
        {a, (1UL << 32) + PAGE_SIZE, PROT_READ, -ENOMEM},
        {a + (1UL << 32), PAGE_SIZE, PROT_READ, -ENOMEM},
    };
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        long result =
            probe_call(SYS_MPROTECT, calls[i].address, calls[i].length, calls[i].prot, 0, 0, 0);
        PROBE_CHECK(result == calls[i].result,
                    "mprotect(0x%lx, 0x%lx, 0x%lx) returned %ld, not %ld", calls[i].address,
                    calls[i].length, calls[i].prot, result, calls[i].result);
    }
    /* A bit of the upper half is an error of Linux's; of an int, as libraries pass it, there is none. */
    long upper = probe_call(SYS_MPROTECT, a, 4 * PAGE_SIZE, 1UL << 32 | PROT_READ, 0, 0, 0);
    PROBE_CHECK(upper == 0 || upper == -EINVAL, "mprotect() with prot 0x%lx returned %s",
                1UL << 32 | PROT_READ, probe_answer(upper));
    const struct area *area = area_find(&probe_process.space->areas, a);
    PROBE_CHECK(area->prot == (PROT_USER | PROT_READ),
                "after calls that were refused, or change nothing, an area that was r--u is %s",
                probe_prot(area->prot));
    area = area_find(&probe_process.space->areas, shared);
    PROBE_CHECK(
        !(area->prot & PROT_WRITE),
        "what is refused has been done: a shared mapping of a file opened for reading is %s",
        probe_prot(area->prot));
    /* What the kernel has in every space lies in areas, too, beyond USER_END. */
    struct process *process = process_create("exit");
    PROBE_CHECK(process && space_create(process) == 0, "no memory for a process");
    const uint64_t args[6] = {TRAMPOLINE, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC};
    long result = syscall_table[SYS_MPROTECT](&process->task, args);
    area = area_find(&process->space->areas, TRAMPOLINE);
    PROBE_CHECK(result == -ENOMEM && area && area->prot == (PROT_READ | PROT_EXEC),
                "mprotect() of the trampoline, which is the kernel's, returned %ld, and it is %s",
                result, area ? probe_prot(area->prot) : "gone");
    space_destroy(process);
    process_destroy(process);
}

/* Private pages that were written, and are for reading now, are nowhere else: relieve() must leave them. */
void protect_shortage(unsigned long argument)
{
    (void)argument;
    enum { PAGES = 6 };
    fake_open(PAGES * PAGE_SIZE, O_RDONLY);
    const struct job *job = job_get(0);
    struct process *process = process_create(job->argv[0]);
    PROBE_CHECK(process && space_create(process) == 0 && task_start(&process->task) == 0,
                "no memory for a process");
    process->files[FAKE_FD] = &fake.file;
    fake.file.references++;
    const uint64_t args[6] = {0,           PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE, FAKE_FD,           0};
    long start = syscall_table[SYS_MMAP](&process->task, args);
    PROBE_CHECK(start > 0, "a private file cannot be mapped: %ld", start);
    for (uint64_t page = 0; page < PAGES; page++) {
        uint64_t va = (uint64_t)start + page * PAGE_SIZE;
        PROBE_CHECK(space_fault->fault(process->space, va, ACCESS_WRITE) == 0,
                    "a private page cannot be written");
        *(uint8_t *)pte_frame(probe_leaf(&process->space->table, va)) = (uint8_t)(0xc0 + page);
    }
    const uint64_t change[6] = {(uint64_t)start, PAGES * PAGE_SIZE, PROT_READ};
    PROBE_CHECK(syscall_table[SYS_MPROTECT](&process->task, change) == 0, "mprotect() has failed");
    /* And once more: what was for writing once, was. */
    const uint64_t again[6] = {(uint64_t)start, PAGES * PAGE_SIZE, PROT_READ | PROT_EXEC};
    PROBE_CHECK(syscall_table[SYS_MPROTECT](&process->task, again) == 0, "mprotect() has failed");
    for (int i = 0; i < 3; i++)
        reclaim_frames(NULL);
    for (uint64_t page = 0; page < PAGES; page++) {
        uint64_t va = (uint64_t)start + page * PAGE_SIZE;
        PROBE_CHECK(space_fault->fault(process->space, va, ACCESS_READ) == 0,
                    "a page cannot be read after mprotect(PROT_READ)");
        uint8_t byte = *(uint8_t *)pte_frame(probe_leaf(&process->space->table, va));
        PROBE_CHECK(
            byte == 0xc0 + page,
            "a private page was written, then made one for reading; when memory was short its "
            "content went, and the file's came instead (area->modified)");
    }
    /* What was never for writing is what the file has: relieve() may take it. */
    const uint64_t reading[6] = {0, PAGES * PAGE_SIZE, PROT_READ, MAP_PRIVATE, FAKE_FD, 0};
    start = syscall_table[SYS_MMAP](&process->task, reading);
    const uint64_t execute[6] = {(uint64_t)start, PAGES * PAGE_SIZE, PROT_READ | PROT_EXEC};
    PROBE_CHECK(start > 0 && syscall_table[SYS_MPROTECT](&process->task, execute) == 0,
                "a private file cannot be mapped, or mprotect() has failed");
    const struct area *area = area_find(&process->space->areas, (uint64_t)start);
    PROBE_CHECK(area && !area->modified,
                "an area that was never for writing is area->modified after mprotect()");
}
