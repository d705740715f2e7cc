/*
 * device_map.c: more devices than UART0 in the kernel's page table.
 *
 * That table is a part of lab 3 and maps UART0 alone.  The entries for a disk are written here, straight
 * into the table that the CSR satp names: the format is the hardware's, so this asks nothing of the parts.
 */
#include "device_map.h"

#include "memory.h"
#include "page_table.h"
#include "panic.h"
#include "riscv.h"

enum { MEGAPAGE_SIZE = 2 << 20 };

#define DEVICE_FLAGS (PTE_V | PTE_R | PTE_W | PTE_A | PTE_D)

/*
 * Write the entry of a device's page.  level: 0 for a page, 1 for 2 MiB.
 *
 * No table on the way is missing.  UART0 is mapped, else not even a panic would be seen; either by tables
 * down to its own page, which then serve the other devices in the first GiB as well, or by a larger page that
 * includes this one.
 */
static void map_leaf(uintptr_t address, unsigned level)
{
    uint64_t entry = csr_read(satp) << 10; /* an entry has the table's number 10 bits higher */
    for (unsigned at = TABLE_LEVELS; at-- > level;) {
        uint64_t *table = (uint64_t *)pte_frame(entry);
        uint64_t *slot = &table[address >> (12 + 9 * at) & (TABLE_ENTRIES - 1)];
        if (at == level)
            *slot = address >> 12 << 10 | DEVICE_FLAGS;
        entry = *slot;
        if (!(entry & PTE_V))
            panic("the kernel's page table has no table for the device at 0x%lx", address);
        if (entry & (PTE_R | PTE_X))
            return;
    }
}

void device_map(uintptr_t start, size_t size)
{
    if (csr_read(satp) == 0)
        return;
    uintptr_t end = start + size;
    while (start < end) {
        bool whole = start % MEGAPAGE_SIZE == 0 && end - start >= MEGAPAGE_SIZE;
        map_leaf(start, whole ? 1 : 0);
        start += whole ? MEGAPAGE_SIZE : PAGE_SIZE;
    }
    tlb_flush();
}
