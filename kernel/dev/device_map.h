/*
 * device_map.h: registers of devices that not every machine has.
 */
#ifndef DEVICE_MAP_H
#define DEVICE_MAP_H

#include <stddef.h>
#include <stdint.h>

/*
 * Have the kernel reach [start, start + size), registers of a device, at their physical addresses.  Until paging
 * is on it does anyway.  Both are page aligned, and the range lies in the first GiB, where UART0 is; what of it
 * is a whole 2 MiB beginning at a multiple of that becomes one entry, the rest pages.
 * For boot, from INITCALLs of level 4 on.
 */
void device_map(uintptr_t start, size_t size);

#endif
