/* memory.c: who gets which part of physical memory. */
#include "memory.h"

#include "kmalloc.h"
#include "panic.h"
#include "platform.h"

extern char kernel_end[];

struct region program_memory;

void memory_init(void)
{
    uintptr_t end = platform.memory_start + platform.memory_size;
    uintptr_t start = (uintptr_t)kernel_end;
    if (end - start < KMALLOC_SIZE + PAGE_SIZE)
        panic("%zu MiB of memory are too few", platform.memory_size >> 20);
    kmalloc_init(start, start + KMALLOC_SIZE);
    start += KMALLOC_SIZE;

    /* QEMU puts archive and device tree behind us, in this order: stay below both. */
    if (platform.initrd_end > platform.initrd_start && platform.initrd_start >= start)
        end = platform.initrd_start;
    program_memory = (struct region){page_up(start), page_down(end)};
}
