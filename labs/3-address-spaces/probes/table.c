/* table.c: probes of the page table (task 3.2). */
#include "errno.h"
#include "frame.h"
#include "platform.h"
#include "probes.h"
#include "riscv.h"
#include "space.h"

/* Addresses in all corners, each canonical. */
static const uint64_t far[] = {
    0,
    0x1000,
    0x1ff000,
    0x200000,
    0x3fffe000,
    0x40000000,
    0x1234567000,
    USER_END - PAGE_SIZE,
    0xffffffc000000000,
    0xffffffff80001000,
    0xffffffffffffe000,
    0xfffffffffffff000,
};
enum { FAR = sizeof(far) / sizeof(far[0]) };

/* A frame to map: no frame of anybody's, and never looked at. */
static uintptr_t target(uint64_t n)
{
    return platform.memory_start + n % (platform.memory_size / PAGE_SIZE) * PAGE_SIZE;
}

/* A page table is part of a space, even if nothing else of it is needed. */
static struct space space, other_space;

static void create(struct page_table *table)
{
    area_set_init(&space_of_table(table)->areas);
    int error = page_table->create(table);
    PROBE_CHECK(error == 0, "create() returned %d with all of memory free", error);
}

/* Is there just what map() or protect() with this frame and prot should have made? */
static void check_leaf(const struct page_table *table, uint64_t va, uintptr_t frame, unsigned prot)
{
    uint64_t pte = probe_leaf(table, va), found = page_table->find(table, va);
    unsigned wanted = prot & PROT_WRITE ? prot | PROT_READ : prot;
    PROBE_CHECK(pte != 0, "0x%lx, mapped with %s, has no entry", va, probe_prot(prot));
    PROBE_CHECK(pte_frame(pte) == frame && !(pte >> 54),
                "the entry of 0x%lx is 0x%lx, which names frame 0x%lx and not 0x%lx", va, pte,
                pte_frame(pte), frame);
    bool valid = wanted & (PROT_READ | PROT_EXEC);
    PROBE_CHECK(!!(pte & PTE_V) == valid, "the entry of 0x%lx, mapped with %s, is 0x%lx: V is %d",
                va, probe_prot(prot), pte, !valid);
    if (valid) {
        PROBE_CHECK((pte >> 1 & 15) == wanted, "the entry of 0x%lx, mapped with %s, says %s", va,
                    probe_prot(prot), probe_prot(pte >> 1 & 15));
        PROBE_CHECK(pte & PTE_A, "the entry of 0x%lx, 0x%lx, has A clear", va, pte);
        PROBE_CHECK(!(wanted & PROT_WRITE) || (pte & PTE_D),
                    "the entry of 0x%lx, 0x%lx, is writable and has D clear", va, pte);
    }
    PROBE_CHECK(found == pte, "find(0x%lx) returned 0x%lx, the table has 0x%lx", va, found, pte);
}

/* A physical address has up to 56 bits. */
static void check_far_frames(struct page_table *table)
{
    static const uintptr_t far_frames[] = {1UL << 32, 0x123456789a000, (1UL << 56) - PAGE_SIZE};
    for (size_t i = 0; i < sizeof(far_frames) / sizeof(far_frames[0]); i++) {
        uint64_t va = 0x56780000 + i * PAGE_SIZE;
        int error = page_table->map(table, va, far_frames[i], PROT_READ | PROT_WRITE);
        PROBE_CHECK(error == 0, "map() of the page at 0x%lx in physical memory returned %d",
                    far_frames[i], error);
        check_leaf(table, va, far_frames[i], PROT_READ | PROT_WRITE);
        error = page_table->protect(table, va, PROT_USER | PROT_EXEC);
        PROBE_CHECK(error == 0, "protect() of a page returned %d", error);
        check_leaf(table, va, far_frames[i], PROT_USER | PROT_EXEC);
    }
}

void table_permissions(unsigned long argument)
{
    (void)argument;
    struct page_table *table = &space.table;
    create(table);
    for (unsigned prot = 0; prot < 16; prot++) {
        uint64_t va = 0x12340000 + prot * PAGE_SIZE;
        int error = page_table->map(table, va, target(prot + 100), prot);
        PROBE_CHECK(error == 0, "map() with %s returned %d", probe_prot(prot), error);
        check_leaf(table, va, target(prot + 100), prot);
        for (unsigned other = 0; other < 16; other++) {
            error = page_table->protect(table, va, other);
            PROBE_CHECK(error == 0, "protect() from %s to %s returned %d", probe_prot(prot),
                        probe_prot(other), error);
            check_leaf(table, va, target(prot + 100), other);
        }
    }
    check_far_frames(table);
}

void table_addresses(unsigned long argument)
{
    (void)argument;
    struct page_table *table = &space.table;
    const unsigned prot = PROT_READ | PROT_WRITE;
    create(table);
    PROBE_CHECK(page_table->find(table, 0) == 0, "a new table has an entry for 0");
    for (size_t i = 0; i < FAR; i++) {
        uint64_t va = far[i];
        PROBE_CHECK(page_table->find(table, va) == 0 && page_table->unmap(table, va) == 0,
                    "0x%lx is mapped before anybody mapped it", va);
        PROBE_CHECK(page_table->protect(table, va, prot) == -ENOENT,
                    "protect(0x%lx), which is not mapped, does not return -ENOENT", va);
        int error = page_table->map(table, va, target(i), prot);
        PROBE_CHECK(error == 0, "map(0x%lx) returned %d", va, error);
        error = page_table->map(table, va, target(i + 1), PROT_READ);
        PROBE_CHECK(error == -EEXIST, "map(0x%lx) of a mapped page returned %d, not -EEXIST", va,
                    error);
    }
    PROBE_CHECK(probe_leaves(table) == FAR, "%d pages were mapped, the table has %zu leaves", FAR,
                probe_leaves(table));
    for (size_t i = 0; i < FAR; i++) {
        uint64_t va = far[i], pte = probe_leaf(table, va);
        check_leaf(table, va, target(i), prot);
        PROBE_CHECK(page_table->find(table, va + 0xabc) == pte,
                    "find(0x%lx) does not find the page that the address lies in", va + 0xabc);
        /* The same 39 bits, and others above, one or all: no address of Sv39. */
        for (int bit = 39; bit <= 64; bit++) {
            uint64_t other = va ^ (bit < 64 ? 1UL << bit : ~0UL << 39);
            PROBE_CHECK(page_table->find(table, other) == 0,
                        "find(0x%lx) finds a page: bits 63 to 39 must repeat bit 38", other);
        }
    }
    for (size_t i = 0; i < FAR; i++) {
        uint64_t va = far[i], pte = probe_leaf(table, va), was = page_table->unmap(table, va);
        PROBE_CHECK(was == pte, "unmap(0x%lx) returned 0x%lx, the entry was 0x%lx", va, was, pte);
        PROBE_CHECK(probe_leaf(table, va) == 0 && page_table->find(table, va) == 0,
                    "0x%lx is still mapped after unmap()", va);
        PROBE_CHECK(page_table->unmap(table, va) == 0, "unmap(0x%lx) a second time finds something",
                    va);
        PROBE_CHECK(probe_leaves(table) == FAR - 1 - i, "unmap(0x%lx) took something else too", va);
    }
}

/* Against a model: what 8 times 40 pages, far apart, are mapped to. */
void table_random(unsigned long argument)
{
    (void)argument;
    enum { CLUSTERS = 8, CLUSTER = 40, PAGES = CLUSTERS * CLUSTER };
    static const uint64_t clusters[CLUSTERS] = {
        0,
        0x1ec000,   /* across the end of a lowest table */
        0x3ffec000, /* across the end of two */
        0x1234567000,
        USER_END - CLUSTER * PAGE_SIZE,
        0xffffffc000000000,
        0xffffffff801f0000,
        -(uint64_t)CLUSTER * PAGE_SIZE,
    };
    static struct {
        uintptr_t frame; /* 0: not mapped */
        unsigned prot;
    } model[PAGES];
    struct page_table *table = &space.table;
    struct operation op;
    size_t mapped = 0;
    create(table);
    while (probe_next(&op)) {
        size_t n = op.random[0] % PAGES;
        uint64_t va = clusters[n / CLUSTER] + n % CLUSTER * PAGE_SIZE;
        unsigned prot = op.random[1] % 16;
        uintptr_t frame = target(op.random[2]);
        uint64_t found;
        int error, wanted;
        switch (op.random[1] / 16 % 4) {
        case 0:
        case 1:
            error = page_table->map(table, va, frame, prot);
            wanted = model[n].frame ? -EEXIST : 0;
            probe_say("map(0x%lx, 0x%lx, %s) = %d", va, frame, probe_prot(prot), error);
            PROBE_CHECK(error == wanted, "map(0x%lx) returned %d, not %d", va, error, wanted);
            if (error == 0) {
                model[n].frame = frame;
                model[n].prot = prot;
                mapped++;
            }
            break;
        case 2:
            found = page_table->unmap(table, va);
            probe_say("unmap(0x%lx) = 0x%lx", va, found);
            PROBE_CHECK((found ? pte_frame(found) : 0) == model[n].frame,
                        "unmap(0x%lx) returned 0x%lx, mapped was 0x%lx", va, found, model[n].frame);
            mapped -= model[n].frame != 0;
            model[n].frame = 0;
            break;
        default:
            error = page_table->protect(table, va, prot);
            wanted = model[n].frame ? 0 : -ENOENT;
            probe_say("protect(0x%lx, %s) = %d", va, probe_prot(prot), error);
            PROBE_CHECK(error == wanted, "protect(0x%lx) returned %d, not %d", va, error, wanted);
            model[n].prot = prot;
        }
        if (model[n].frame)
            check_leaf(table, va, model[n].frame, model[n].prot);
        else
            PROBE_CHECK(probe_leaf(table, va) == 0 && page_table->find(table, va) == 0,
                        "0x%lx is mapped, and should not be", va);
        if (op.random[2] % 1024 == 0)
            PROBE_CHECK(probe_leaves(table) == mapped, "the table has %zu leaves, not %zu",
                        probe_leaves(table), mapped);
    }
    PROBE_CHECK(probe_leaves(table) == mapped, "in the end the table has %zu leaves, not %zu",
                probe_leaves(table), mapped);
    page_table->destroy(table);
    PROBE_CHECK(probe_frames == 0, "after destroy() %ld frames of tables are missing",
                probe_frames);
}

/* Others may write the entries of a table that is there: page_table.h. */
static void entries_of_others(void)
{
    const uint64_t page = 0x40000000;
    struct page_table *table = &space.table;
    create(table);
    PROBE_CHECK(page_table->map(table, page, target(1), PROT_READ) == 0 &&
                    page_table->map(table, page + PAGE_SIZE, target(2), PROT_READ) == 0,
                "map() failed");
    uint64_t *entry = page_table_entry(table, page), second;
    PROBE_CHECK(entry && entry[0] && entry[1],
                "two pages side by side have no entries side by side");
    entry[2] = second = entry[1];
    PROBE_CHECK(page_table->unmap(table, page) != 0 &&
                    page_table->unmap(table, page + PAGE_SIZE) == second,
                "unmap() beside an entry that somebody else has written");
    PROBE_CHECK(page_table->find(table, page + 2 * PAGE_SIZE) == second && probe_leaves(table) == 1,
                "an entry that somebody else has written is gone when its neighbours are unmapped");
    PROBE_CHECK(page_table->map(table, page, target(3), PROT_READ) == 0,
                "map() beside an entry that somebody else has written");
    entry = page_table_entry(table, page);
    entry[0] = entry[2] = 0;
    PROBE_CHECK(page_table->find(table, page) == 0 && page_table->unmap(table, page) == 0,
                "an entry was cleared by somebody else, and its page is still found");
    page_table->destroy(table);
    PROBE_CHECK(probe_frames == 0,
                "others have written to a table's entries; after destroy() %ld frames are missing",
                probe_frames);
}

void table_memory(unsigned long argument)
{
    enum { MANY_TABLES = 600 };
    (void)argument;
    struct page_table *table = &space.table, *other = &other_space.table;
    create(table);
    create(other);
    PROBE_CHECK(table->root != other->root, "two page tables have one root");
    PROBE_CHECK(probe_frames >= 2, "two new page tables have taken %ld frames", probe_frames);
    for (size_t i = 0; i < FAR; i++) {
        PROBE_CHECK(page_table->map(table, far[i], target(i), PROT_READ) == 0, "map() failed");
        PROBE_CHECK(page_table->map(other, far[i], target(i), PROT_READ) == 0, "map() failed");
    }
    page_table->destroy(table);
    PROBE_CHECK(probe_leaves(other) == FAR, "destroy() of one table has changed another");
    page_table->destroy(other);
    PROBE_CHECK(probe_frames == 0, "after destroy() %ld frames of tables are missing",
                probe_frames);

    entries_of_others();

    /* Very many tables: each of these pages is in another one. */
    create(table);
    for (uint64_t i = 0; i < MANY_TABLES; i++)
        PROBE_CHECK(page_table->map(table, 0x123456000 + i * (2 << 20), target(i), PROT_READ) == 0,
                    "map() failed");
    page_table->destroy(table);
    PROBE_CHECK(probe_frames == 0, "after destroy() of %d tables %ld frames are missing",
                MANY_TABLES, probe_frames);

    /* A table, and its first page, where each frame in turn is refused. */
    for (bool refused = true; refused;) {
        static uint64_t n;
        probe_refuse = ++n;
        int error = page_table->create(table);
        bool created = error == 0;
        PROBE_CHECK(!created || table->root, "create() returned 0, and there is no root table");
        if (created)
            error = page_table->map(table, 0x40000000, target(7), PROT_READ);
        refused = probe_refuse == 0;
        probe_refuse = 0;
        PROBE_CHECK(error == (refused ? -ENOMEM : 0), "%s without frame %lu returned %d, not %d",
                    created ? "map()" : "create()", n, error, refused ? -ENOMEM : 0);
        if (!created) {
            PROBE_CHECK(probe_frames == 0, "a create() that failed keeps %ld frames", probe_frames);
            continue;
        }
        if (error) {
            PROBE_CHECK(probe_leaves(table) == 0 && page_table->find(table, 0x40000000) == 0,
                        "a map() that failed has left something mapped");
            error = page_table->map(table, 0x40000000, target(7), PROT_READ);
            PROBE_CHECK(error == 0, "map() tried again, with memory, returned %d", error);
        }
        check_leaf(table, 0x40000000, target(7), PROT_READ);
        page_table->destroy(table);
        PROBE_CHECK(probe_frames == 0,
                    "after a map() that lacked memory, and destroy(), %ld frames are missing",
                    probe_frames);
    }
}

/* With the table in satp: what has been changed counts at once. */
void table_flush(unsigned long argument)
{
    (void)argument;
    const uint64_t va = 0x1000000000, all = PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D;
    struct page_table *table = &space.table;
    uint64_t value;
    create(table);
    /* Devices and memory by two leaves of 1 GiB, so that nothing but `table` is tested. */
    uint64_t *root = (uint64_t *)table->root;
    root[0] = all;
    root[2] = 0x80000000UL >> 12 << 10 | all;
    uintptr_t frames_of[2] = {frame_alloc(), frame_alloc()};
    *(uint64_t *)frames_of[0] = 111;
    *(uint64_t *)frames_of[1] = 222;
    PROBE_CHECK(page_table->map(table, va, frames_of[0], PROT_READ | PROT_WRITE) == 0,
                "map() failed");
    uint64_t before = csr_read(satp);
    csr_write(satp, page_table_satp(table));
    tlb_flush();
    bool there = probe_load(va, &value) && value == 111;
    page_table->unmap(table, va);
    bool gone = !probe_load(va, &value);
    page_table->map(table, va, frames_of[1], PROT_READ | PROT_WRITE);
    bool other = probe_load(va, &value) && value == 222;
    bool written = probe_store(va, 333);
    page_table->protect(table, va, PROT_READ);
    bool protected = !probe_store(va, 444) && probe_load(va, &value) && value == 333;
    csr_write(satp, before);
    tlb_flush();
    PROBE_CHECK(there, "a page that has been mapped cannot be read through the MMU");
    PROBE_CHECK(gone, "a page that has been unmapped can still be read through the MMU");
    PROBE_CHECK(other, "after unmap() and map() the MMU still shows the old frame");
    PROBE_CHECK(written, "a page that has been mapped cannot be written through the MMU");
    PROBE_CHECK(protected, "a page that protect() has made read-only can still be written");
}
