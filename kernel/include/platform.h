/*
 * platform.h: what the device tree says about the machine, and QEMU's virt board's addresses.
 */
#ifndef PLATFORM_H
#define PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UART0 0x10000000UL /* 16550 (hw/riscv/virt.c in QEMU) */

enum { BOOTARGS_MAX = 256 };

struct platform {
    uintptr_t memory_start;
    size_t memory_size;
    uintptr_t initrd_start, initrd_end; /* equal when there is none */
    uint64_t timebase;                  /* ticks of the time CSR per second */
    bool has_sstc;                      /* stimecmp may be written */
    char bootargs[BOOTARGS_MAX];
};
extern struct platform platform;

/* Fill platform from the flattened device tree at this address; panics if it is not one. */
void platform_init(const void *device_tree);

/*
 * The value of "key=value" in bootargs, copied to value (room for size bytes, always terminated).
 * Returns false, and an empty string, when the key is not there.
 */
bool platform_option(const char *key, char *value, size_t size);

#endif
