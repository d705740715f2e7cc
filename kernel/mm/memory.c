/* memory.c: who gets which part of physical memory. */
#include "memory.h"

#include "frame.h"
#include "kmalloc.h"
#include "panic.h"
#include "platform.h"

extern char kernel_end[];

struct region program_memory, frame_memory[FRAME_REGIONS], frame_table_memory;

void memory_init(void)
{
    uintptr_t end = platform.memory_start + platform.memory_size;
    uintptr_t start = page_up((uintptr_t)kernel_end);
    if (end - start < 2 * KMALLOC_SIZE)
        panic("%zu MiB of memory are too few", platform.memory_size >> 20);
    kmalloc_init(start, start + KMALLOC_SIZE);
    start += KMALLOC_SIZE;

    /* QEMU puts the archive somewhere behind us; without one, everything lies before it. */
    uintptr_t archive = end, archive_end = end; /* page aligned */
    if (platform.initrd_end > platform.initrd_start && platform.initrd_start >= start) {
        archive = page_down(platform.initrd_start);
        archive_end = page_up(platform.initrd_end);
    }
    /* The table of frames lies at the end of memory, or before an archive that is there. */
    size_t table = page_up(platform.memory_size / PAGE_SIZE * sizeof(struct frame));
    bool behind = end - archive_end >= table;
    frame_table_memory.end = behind ? end : archive;
    frame_table_memory.start = frame_table_memory.end - table;
    if (behind)
        end = frame_table_memory.start;
    else
        archive = frame_table_memory.start;
    if (archive < start)
        panic("%zu MiB of memory are too few", platform.memory_size >> 20);
    program_memory = (struct region){start, archive};
    frame_memory[0] = (struct region){archive_end < end ? archive_end : end, end};
    frame_memory[1] = program_memory;
}
