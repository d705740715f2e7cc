/*
 * memory.h: how physical memory is divided, from kernel.ld and the device tree.
 *
 *     memory start   firmware (2 MiB; its first 512 KiB are protected)
 *     0x80200000     kernel: text, rodata, data, bss, boot stack
 *     kernel_end     kmalloc region, KMALLOC_SIZE bytes
 *                    programs' memory ...  up to the archive, or to the end of memory
 */
#ifndef MEMORY_H
#define MEMORY_H

#include "task.h"

enum {
    PAGE_SIZE = 4096,
    KMALLOC_SIZE = 4 << 20,
    BOOT_STACK_SIZE = 16 << 10,
    KERNEL_STACK_SIZE = 16 << 10
};

/* The memory that programs may be loaded to, page aligned. */
extern struct region program_memory;

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
