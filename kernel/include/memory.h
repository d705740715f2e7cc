/*
 * memory.h: how physical memory is divided, from kernel.ld and the device tree.
 *
 *     memory start   firmware (2 MiB; its first 512 KiB are protected)
 *     0x80200000     kernel: text, rodata, data, bss, boot stack
 *     kernel_end     kmalloc region, KMALLOC_SIZE bytes
 *                    programs' memory of labs 1 and 2; from lab 3 on frames, the second region
 *                    archive (initrd)
 *                    frames, the first region
 *                    frame_table (frame.h), at the end of memory, or before an archive that ends there
 *
 * From lab 3 on the kernel's page table maps all of this to the same addresses, and kernel stacks to
 * addresses of their own: stack number n lies above a page that is never mapped.
 *
 *     KERNEL_STACKS + n * KERNEL_STACK_STRIDE    guard page
 *                                 + PAGE_SIZE    KERNEL_STACK_SIZE bytes
 */
#ifndef MEMORY_H
#define MEMORY_H

#include "task.h"

enum {
    PAGE_SIZE = 4096,
    KMALLOC_SIZE = 4 << 20,
    BOOT_STACK_SIZE = 16 << 10,
    KERNEL_STACK_SIZE = 16 << 10,
    KERNEL_STACK_STRIDE = PAGE_SIZE + KERNEL_STACK_SIZE,
    FRAME_REGIONS = 2
};

#define KERNEL_STACKS 0xffffffffc0000000UL

/* The memory that the flat loader may load programs to, page aligned. */
extern struct region program_memory;

/* The memory whose frames are given out, page aligned, and where the table of them lies. */
extern struct region frame_memory[FRAME_REGIONS], frame_table_memory;

/* Divide memory up.  Called once at boot, after platform_init(). */
void memory_init(void);

static inline uintptr_t page_up(uintptr_t address)
{
    return (address + PAGE_SIZE - 1) & ~(uintptr_t)(PAGE_SIZE - 1);
}

static inline uintptr_t page_down(uintptr_t address)
{
    return address & ~(uintptr_t)(PAGE_SIZE - 1);
}

#endif
