/*
 * figures.c: what a fault costs among few and many areas, in instructions, where one takes 1 ns of guest time
 * (QEMU's -icount shift=0): for `make bench`, and for no test.
 */
#include "frame.h"
#include "memory.h"
#include "probes.h"
#include "riscv.h"
#include "string.h"

#define BASE 0x40000000UL

/* The mean of many faults, each for the first page of an area of two pages, with a gap behind. */
static uint64_t cost(uint64_t areas)
{
    enum { ROUNDS = 400 };
    uint64_t took = 0;
    probe_new_space();
    for (uint64_t i = 0; i < areas; i++)
        probe_area(BASE + 4 * i * PAGE_SIZE, i == 0 ? 1 : 2, PROT_USER | PROT_READ | PROT_WRITE,
                   spaces->anonymous);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        uint64_t va = BASE + 4 * (i * 7919 % areas) * PAGE_SIZE;
        uint64_t pte = page_table->unmap(&probe_process.space->table, va);
        if (!pte) /* so that the tables are there */
            space_fault->fault(probe_process.space, va, ACCESS_WRITE);
        pte = pte ? pte : page_table->unmap(&probe_process.space->table, va);
        frames->put(pte_frame(pte));
        uint64_t begin = csr_read(instret);
        space_fault->fault(probe_process.space, va, ACCESS_WRITE);
        took += csr_read(instret) - begin;
    }
    return took / ROUNDS;
}

void figures(unsigned long argument)
{
    (void)argument;
    frames = slot_below(frames, 8); /* without the counting */
    enum { ROUNDS = 1000 };
    uintptr_t frame = frame_alloc();
    uint64_t begin = csr_read(instret);
    for (int i = 0; i < ROUNDS; i++)
        memset((void *)frame, 0, PAGE_SIZE);
    report("probe: zeroing: %lu", (csr_read(instret) - begin) / ROUNDS);
    report("probe: fault among 3: %lu", cost(3));
    report("probe: fault among 10000: %lu", cost(10000));
}
