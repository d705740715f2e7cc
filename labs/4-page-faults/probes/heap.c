/* heap.c: probes of brk() and of madvise() (tasks 4.4 and 4.7). */
#include "errno.h"
#include "job.h"
#include "kmalloc.h"
#include "loader.h"
#include "memory.h"
#include "probes.h"
#include "syscall.h"

#define RW_U (PROT_USER | PROT_READ | PROT_WRITE)

/* The first job's program, loaded. */
static struct process *loaded(void)
{
    const struct job *job = job_get(0);
    struct process *process = process_create(job->argv[0]);
    PROBE_CHECK(process, "no memory for a process");
    int error = loader->load(process, job->path, job->argv, (char *[]){NULL});
    PROBE_CHECK(error == 0, "load() returned %d", error);
    PROBE_CHECK(syscall_table[SYS_BRK], "there is no system call brk");
    return process;
}

static uint64_t brk(struct process *process, uint64_t end)
{
    const uint64_t args[6] = {end, 1, 2, 3, 4, 5};
    return (uint64_t)syscall_table[SYS_BRK](&process->task, args);
}

/* brk() and touches at random, against a model of the heap's first pages. */
void heap_random(unsigned long argument)
{
    (void)argument;
    enum { PAGES = 48 };
    static bool present[PAGES + 1];
    const uint64_t top = USER_STACK_TOP - USER_STACK_MAX - USER_STACK_GAP;
    const uint64_t impossible[] = {
        0,        8,         0x10000,    top + 1,   top + PAGE_SIZE, USER_STACK_TOP,
        USER_END, 1UL << 62, TRAMPOLINE, 1UL << 63, -4096UL,         -1UL};
    struct process *process = loaded();
    struct space *space = process->space;
    uint64_t start = brk(process, 0), end = start;
    PROBE_CHECK(start % PAGE_SIZE == 0 && start > 0x10000 && start < USER_END,
                "the heap of a new program begins at 0x%lx", start);
    PROBE_CHECK(area_find(&space->areas, start - 1) && !area_find(&space->areas, start),
                "the heap begins at 0x%lx, which is not the end of the program's last segment",
                start);
    struct operation op;
    while (probe_next(&op)) {
        if (op.number >= PROBE_OPERATIONS / 10)
            continue; /* each of these looks at all of the heap */
        if (op.random[0] % 3 == 0 && end > start) {
            uint64_t va = start + op.random[1] % (page_up(end) - start);
            size_t page = (va - start) / PAGE_SIZE;
            bool first = !present[page];
            long error = space_fault->fault(space, va, ACCESS_WRITE);
            probe_say("a write at heap+0x%lx: fault() returned %ld", va - start, error);
            PROBE_CHECK(error == 0, "a write at heap+0x%lx, of 0x%lx bytes: fault() returned %ld",
                        va - start, end - start, error);
            uint64_t pte = probe_leaf(&space->table, va);
            PROBE_CHECK(pte && pte_prot(pte) == RW_U, "then the page is %s",
                        probe_prot(pte_prot(pte)));
            uint8_t *bytes = (uint8_t *)pte_frame(pte);
            uint8_t mark = (uint8_t)(page + 1);
            /* Of a page that was there the first byte has always been the heap's. */
            for (size_t i = 0; i < (first ? PAGE_SIZE : 1); i++)
                PROBE_CHECK(bytes[i] == (first ? 0 : mark),
                            "byte %zu of page %zu of the heap is %u, not %u", i, page, bytes[i],
                            first ? 0 : mark);
            for (size_t i = 0; i < PAGE_SIZE; i++)
                bytes[i] = mark;
            present[page] = true;
            continue;
        }
        uint64_t wanted, before = end;
        switch (op.random[1] % 4) {
        case 0:
            wanted = impossible[op.random[2] % (sizeof(impossible) / sizeof(impossible[0]))];
            break;
        case 1: /* near where it ends */
            wanted = end + op.random[2] % 200 - 100;
            break;
        case 2: /* just at a page */
            wanted = start + op.random[2] % (PAGES + 1) * PAGE_SIZE + op.random[2] / 64 % 3 - 1;
            break;
        default:
            wanted = start + op.random[2] % (PAGES * PAGE_SIZE + 1);
        }
        bool possible = wanted >= start && wanted <= start + PAGES * PAGE_SIZE;
        if (!possible && wanted >= start && wanted <= top)
            continue; /* beyond the model */
        end = possible ? wanted : end;
        uint64_t result = brk(process, wanted);
        probe_say("brk(heap+0x%lx) = heap+0x%lx", wanted - start, result - start);
        PROBE_CHECK(
            result == end,
            "brk(0x%lx) returned 0x%lx, not 0x%lx: the heap began at 0x%lx and ended at 0x%lx",
            wanted, result, end, start, before);
        for (size_t page = 0; page <= PAGES; page++) {
            uint64_t va = start + page * PAGE_SIZE;
            bool in = va < end;
            const struct area *area = area_find(&space->areas, va);
            present[page] &= in;
            PROBE_CHECK(in == (area != NULL) && (!in || area->prot == RW_U),
                        "after brk(heap+0x%lx) heap+0x%lx lies in %s", wanted - start, va - start,
                        !area ? "no area"
                        : in  ? "an area that is not rw-u"
                              : "an area still");
            PROBE_CHECK(!probe_leaf(&space->table, va) == !present[page],
                        "after brk(heap+0x%lx) the page heap+0x%lx is %s", wanted - start,
                        va - start, present[page] ? "gone" : "there, untouched");
        }
    }
}

/* What the heap costs, and when there is no memory for it. */
void heap_memory(unsigned long argument)
{
    (void)argument;
    enum { PAGES = 10 };
    const uint64_t size = PAGES * PAGE_SIZE;
    struct process *process = loaded();
    struct space *space = process->space;
    uint64_t start = brk(process, 0);
    size_t areas = space->areas.count, heap = kmalloc_free_bytes();
    long frames = probe_frames;

    PROBE_CHECK(brk(process, start + (1UL << 30)) == start + (1UL << 30),
                "a heap of 1 GiB is refused, and untouched it costs nothing");
    PROBE_CHECK(probe_frames == frames,
                "a heap of 1 GiB that nobody has touched has taken %ld frames",
                probe_frames - frames);
    PROBE_CHECK(brk(process, start) == start, "a heap cannot shrink to nothing");
    PROBE_CHECK(space->areas.count == areas && kmalloc_free_bytes() == heap,
                "an empty heap has an area, or memory of the kernel's");

    /* What was touched comes back; the tables that lead to it may stay. */
    for (int round = 0; round < 3; round++) {
        brk(process, start + size);
        for (uint64_t va = start; va < start + size; va += PAGE_SIZE)
            PROBE_CHECK(space_fault->fault(space, va, ACCESS_WRITE) == 0, "0x%lx cannot be touched",
                        va);
        long full = probe_frames;
        PROBE_CHECK(full - frames >= PAGES && full - frames <= PAGES + 2,
                    "%d touched pages of the heap have taken %ld frames", PAGES, full - frames);
        brk(process, start + 4 * PAGE_SIZE + 1);
        PROBE_CHECK(full - probe_frames == PAGES - 5,
                    "the heap shrank by %d pages, %ld frames came back", PAGES - 5,
                    full - probe_frames);
        brk(process, start);
        PROBE_CHECK(full - probe_frames >= PAGES, "an empty heap has kept %ld frames",
                    PAGES - (full - probe_frames));
    }

    /* All at once: each frame refused in turn. */
    populate_all = true;
    brk(process, start + PAGE_SIZE);
    frames = probe_frames, areas = space->areas.count;
    uint64_t n = 1;
    for (probe_refused = 1; probe_refused; n++) {
        probe_refused = 0;
        probe_refuse = n;
        uint64_t result = brk(process, start + size);
        probe_refuse = 0;
        PROBE_CHECK(result == start + (probe_refused ? PAGE_SIZE : size),
                    "with populate_all, brk() of %d pages without frame %lu returned heap+0x%lx",
                    PAGES, n, result - start);
        PROBE_CHECK(!probe_refused || (probe_frames == frames && space->areas.count == areas),
                    "with populate_all, brk() without frame %lu has kept %ld frames", n,
                    probe_frames - frames);
    }
    PROBE_CHECK(probe_frames - frames == PAGES - 1 && n > PAGES,
                "with populate_all, a heap of %d pages more has taken %ld frames", PAGES - 1,
                probe_frames - frames);
    populate_all = false;

    /* What lies in its way is not the heap's: not even where it begins. */
    brk(process, start);
    const struct area foot = {
        .start = start, .end = start + PAGE_SIZE, .prot = RW_U, .backend = spaces->anonymous};
    PROBE_CHECK(spaces->map(space, &foot) == 0, "an area in the heap's way cannot be mapped");
    PROBE_CHECK(brk(process, start + 5) == start && brk(process, start) == start &&
                    brk(process, start + 3 * PAGE_SIZE) == start,
                "where another's area is, a heap has begun");
    struct area *there = area_find(&space->areas, start);
    PROBE_CHECK(there && there->end == foot.end, "brk() has changed another's area");
    spaces->unmap(space, there);
    struct area near = foot;
    near.start += PAGE_SIZE, near.end += PAGE_SIZE;
    PROBE_CHECK(spaces->map(space, &near) == 0 && brk(process, start + 5) == start,
                "the first page of a heap has come less than a page before another area");
    spaces->unmap(space, area_find(&space->areas, near.start));
    const struct area wall = {.start = start + 9 * PAGE_SIZE,
                              .end = start + 12 * PAGE_SIZE,
                              .prot = RW_U,
                              .backend = spaces->anonymous};
    PROBE_CHECK(spaces->map(space, &wall) == 0, "an area in the heap's way cannot be mapped");
    PROBE_CHECK(brk(process, start + 8 * PAGE_SIZE) == start + 8 * PAGE_SIZE,
                "brk() to a page's distance from an area is refused");
    PROBE_CHECK(brk(process, start + 8 * PAGE_SIZE + 1) == start + 8 * PAGE_SIZE &&
                    brk(process, start + 10 * PAGE_SIZE) == start + 8 * PAGE_SIZE &&
                    brk(process, start + 100 * PAGE_SIZE) == start + 8 * PAGE_SIZE,
                "brk() to less than a page from an area, into it, or over it is not refused");
    PROBE_CHECK(area_find(&space->areas, start + 9 * PAGE_SIZE)->end == wall.end,
                "brk() has changed an area that is in its way");
    process_destroy(process);
}

/* A program with a heap of so many pages, all touched. */
static struct process *with_a_heap(uint64_t pages, uint64_t *start)
{
    struct process *process = loaded();
    PROBE_CHECK(syscall_table[SYS_MADVISE], "there is no system call madvise");
    *start = brk(process, 0);
    brk(process, *start + pages * PAGE_SIZE);
    for (uint64_t n = 0; n < pages; n++)
        PROBE_CHECK(space_fault->fault(process->space, *start + n * PAGE_SIZE, ACCESS_WRITE) == 0,
                    "a page of the heap cannot be touched");
    return process;
}

enum { WILLNEED = 3, DONTNEED = 4 };

static long advise(struct process *process, uint64_t address, uint64_t size, uint64_t what)
{
    const uint64_t args[6] = {address, size, what};
    return syscall_table[SYS_MADVISE](&process->task, args);
}

/* What madvise(MADV_DONTNEED) gives back. */
void advice_not_needed(unsigned long argument)
{
    (void)argument;
    uint64_t start;
    struct process *process = with_a_heap(10, &start);
    long frames = probe_frames;
    long error = advise(process, start + 2 * PAGE_SIZE, 5 * PAGE_SIZE, DONTNEED);
    PROBE_CHECK(error == 0 && frames - probe_frames == 5,
                "madvise(MADV_DONTNEED) of 5 touched pages returned %ld, and %ld frames came back",
                error, frames - probe_frames);
}

/* What madvise(MADV_WILLNEED) takes, when there is little, and when much is asked for. */
void advice_needed(unsigned long argument)
{
    (void)argument;
    uint64_t start;
    struct process *process = with_a_heap(1, &start);
    brk(process, start + (1UL << 30));
    long frames = probe_frames;
    probe_refuse = 2, probe_refuse_rest = true;
    long error = advise(process, start, 10 * PAGE_SIZE, WILLNEED);
    probe_refuse = 0, probe_refuse_rest = false;
    PROBE_CHECK(error == 0 && probe_frames - frames <= 1,
                "madvise(MADV_WILLNEED) with one frame left returned %ld, and took %ld", error,
                probe_frames - frames);
    /* Once without the third frame, and once with all of them. */
    for (int round = 0; round < 2; round++) {
        frames = probe_frames;
        probe_refuse = round == 0 ? 3 : 0;
        error = advise(process, start, 1UL << 30, WILLNEED);
        probe_refuse = 0;
        PROBE_CHECK(error == 0 && probe_frames - frames < 300,
                    "madvise(MADV_WILLNEED) of 1 GiB%s returned %ld, and took %ld frames: others "
                    "need some",
                    round == 0 ? " with one frame refused" : "", error, probe_frames - frames);
    }
}
