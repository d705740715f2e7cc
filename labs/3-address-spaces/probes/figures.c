/*
 * figures.c: what the parts cost, in instructions, where one takes 1 ns of guest time (QEMU's -icount
 * shift=0): for `make bench`, and for no test.
 */
#include "area.h"
#include "frame.h"
#include "kmalloc.h"
#include "probes.h"
#include "riscv.h"
#include "string.h"
#include "task.h"
#include "user_memory.h"

static uint64_t now(void)
{
    return csr_read(instret);
}

static void figure(const char *name, uint64_t instructions)
{
    report("probe: %s: %lu", name, instructions);
}

static void figures_of_frames(void)
{
    enum { ROUNDS = 1000 };
    uintptr_t frame = frame_alloc();
    uint64_t begin = now();
    for (int i = 0; i < ROUNDS; i++)
        memset((void *)frame, 0, PAGE_SIZE);
    uint64_t zeroing = now() - begin;
    frame_put(frame);
    begin = now();
    for (int i = 0; i < ROUNDS; i++)
        frame_put(frame_alloc());
    figure("zeroing", zeroing / ROUNDS);
    figure("alloc and put", (now() - begin - zeroing) / ROUNDS);
}

/* One after the other, from an address where the tables are missing. */
static void figures_of_tables(void)
{
    enum { PAGES = 1024 };
    struct page_table table;
    uint64_t begin = now();
    PROBE_CHECK(page_table->create(&table) == 0, "create() failed");
    uint64_t allocation = now() - begin;
    begin = now();
    for (uint64_t i = 0; i < PAGES; i++)
        page_table->map(&table, 0x40000000 + i * PAGE_SIZE, frame_memory[0].start, PROT_READ);
    /* Two tables of pages, and one above them. */
    figure("mapping", (now() - begin - 3 * allocation) / PAGES);
    page_table->destroy(&table);
}

static void figures_of_copies(void)
{
    enum { PAGES = 16 };
    static uint8_t buffer[PAGES * PAGE_SIZE];
    static struct process process;
    static struct space space;
    const uint64_t va = 0x10000;
    PROBE_CHECK(page_table->create(&space.table) == 0, "create() failed");
    process.task.process = &process;
    process.space = &space;
    process.memory = (struct region){0, USER_END};
    for (uint64_t i = 0; i < PAGES; i++)
        page_table->map(&space.table, va + i * PAGE_SIZE, frame_alloc(), PROT_USER | PROT_READ);
    uint64_t begin = now();
    long error = user_memory->in(&process.task, buffer, va, sizeof(buffer));
    uint64_t took = now() - begin;
    PROBE_CHECK(error == 0, "user_memory->in() returned %ld", error);
    figure("copying", took);
}

static void figures_of_areas(void)
{
    enum { AREAS = 10000, ROUNDS = 1000 };
    struct area_set set;
    area_set_init(&set);
    struct area *areas = kmalloc(AREAS * sizeof(*areas));
    PROBE_CHECK(areas, "no memory for %d areas", AREAS);
    for (uint64_t i = 0; i < AREAS; i++) {
        areas[i] = (struct area){.start = 2 * i * PAGE_SIZE, .end = (2 * i + 1) * PAGE_SIZE};
        PROBE_CHECK(area_insert(&set, &areas[i]) == 0, "area_insert() failed");
    }
    uint64_t begin = now();
    for (uint64_t i = 0; i < ROUNDS; i++) {
        uint64_t n = i * 7919 % AREAS;
        PROBE_CHECK(area_find(&set, areas[n].start) == &areas[n], "area_find() is wrong");
    }
    figure("finding", (now() - begin) / ROUNDS);
    kfree(areas);
}

void figures(unsigned long argument)
{
    (void)argument;
    frames = slot_below(frames, 8); /* without the counting */
    figures_of_frames();
    figures_of_tables();
    figures_of_copies();
    figures_of_areas();
}
