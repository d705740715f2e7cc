/*
 * figures.c: what mapping costs, in instructions, where one takes 1 ns of guest time (QEMU's -icount shift=0):
 * for `make bench`, and for no test.
 */
#include "frame.h"
#include "memory.h"
#include "probes.h"
#include "riscv.h"

enum { ROUNDS = 200 };

/* mmap() and munmap() of a page that nobody touches, among so many areas. */
static uint64_t map_and_unmap(uint64_t areas)
{
    probe_new_space();
    for (uint64_t i = 0; i < areas; i++)
        probe_map(0, 1 + i % 2, i % 2 ? PROT_READ : PROT_READ | PROT_WRITE, ANON, -1UL, 0);
    uint64_t begin = csr_read(instret);
    for (int i = 0; i < ROUNDS; i++) {
        const uint64_t map[6] = {0, PAGE_SIZE, PROT_READ | PROT_EXEC, ANON, -1UL, 0};
        const uint64_t unmap[6] = {(uint64_t)syscall_table[SYS_MMAP](&probe_process.task, map),
                                   PAGE_SIZE};
        syscall_table[SYS_MUNMAP](&probe_process.task, unmap);
    }
    return (csr_read(instret) - begin) / ROUNDS;
}

void figures(unsigned long argument)
{
    (void)argument;
    frames = slot_below(frames, 8); /* without the counting */
    report("probe: map and unmap among 3: %lu", map_and_unmap(3));
    report("probe: map and unmap among 10000: %lu", map_and_unmap(10000));
}
