/* 3.3: the kernel's memory by leaves of 2 MiB where possible; stack numbers from a free list. */
#include "errno.h"
#include "frame.h"
#include "kernel_stack.h"
#include "memory.h"
#include "panic.h"
#include "platform.h"
#include "riscv.h"
#include "slot.h"
#include "space.h"

extern char kernel_start[], text_end[], rodata_end[], trampoline_start[], boot_stack[];

enum { LARGE_PAGE = 2 << 20 };

static struct page_table kernel_table;

static void map_page(uint64_t va, uintptr_t frame, unsigned prot)
{
    int error = page_table->map(&kernel_table, va, frame, prot);
    if (error)
        panic("the kernel cannot map 0x%lx: error %d", va, error);
}

/* A leaf in the middle table.  The kernel's table is never destroyed: no list need know of it. */
static void map_large_page(uintptr_t address, unsigned prot)
{
    uint64_t *top = (uint64_t *)kernel_table.root + (address >> 30) % TABLE_ENTRIES;
    if (!(*top & PTE_V)) {
        uintptr_t middle = frame_alloc();
        if (!middle)
            panic("no memory for the kernel's page table");
        *top = middle >> 12 << 10 | PTE_V;
    }
    uint64_t *middle = (uint64_t *)pte_frame(*top);
    middle[(address >> 21) % TABLE_ENTRIES] =
        address >> 12 << 10 | prot << 1 | PTE_V | PTE_A | (prot & PROT_WRITE ? PTE_D : 0);
}

/* [start, end) to the same addresses; both page aligned. */
static void map_identity(uintptr_t start, uintptr_t end, unsigned prot)
{
    while (start < end) {
        if (start % LARGE_PAGE == 0 && end - start >= LARGE_PAGE) {
            map_large_page(start, prot);
            start += LARGE_PAGE;
        } else {
            map_page(start, start, prot);
            start += PAGE_SIZE;
        }
    }
}

static void kernel_space_init(void)
{
    uintptr_t text = (uintptr_t)kernel_start, rodata = (uintptr_t)text_end;
    uintptr_t data = page_up((uintptr_t)rodata_end), stack = (uintptr_t)boot_stack;

    if (page_table->create(&kernel_table) != 0)
        panic("no memory for the kernel's page table");
    map_page(TRAMPOLINE, (uintptr_t)trampoline_start, PROT_READ | PROT_EXEC);
    map_identity(stack, platform.memory_start + platform.memory_size, PROT_READ | PROT_WRITE);
    map_identity(data, stack - PAGE_SIZE, PROT_READ | PROT_WRITE);
    map_identity(rodata, data, PROT_READ);
    map_identity(text, rodata, PROT_READ | PROT_EXEC);
    map_page(UART0, UART0, PROT_READ | PROT_WRITE);

    tlb_flush();
    csr_write(satp, page_table_satp(&kernel_table));
    tlb_flush();
}
INITCALL(3, kernel_space_init);

/* Numbers that came back, a list through `behind`; then those that were never used. */
enum { STACKS_MAX = 8192, NO_NUMBER = STACKS_MAX };
static uint16_t behind[STACKS_MAX], first_free = NO_NUMBER, unused;

static void give_number_back(uint16_t n)
{
    behind[n] = first_free;
    first_free = n;
}

static uint16_t take_number(void)
{
    uint16_t n = first_free;
    if (n != NO_NUMBER)
        first_free = behind[n];
    else if (unused < STACKS_MAX)
        n = unused++;
    return n;
}

static uintptr_t stack_of(uint16_t n)
{
    return KERNEL_STACKS + (uintptr_t)n * KERNEL_STACK_STRIDE + PAGE_SIZE;
}

/* Take away the pages of [from, end of the stack), and its number. */
static void give_up(uint16_t n, uintptr_t from)
{
    for (; from < stack_of(n) + KERNEL_STACK_SIZE; from += PAGE_SIZE)
        frame_put(pte_frame(page_table->unmap(&kernel_table, from)));
    give_number_back(n);
}

uint64_t *kernel_stack_alloc(void)
{
    uint16_t n = take_number();
    if (n == NO_NUMBER)
        return NULL;
    uintptr_t stack = stack_of(n);
    for (uintptr_t page = stack + KERNEL_STACK_SIZE; page > stack; page -= PAGE_SIZE) {
        uintptr_t frame = frame_alloc();
        if (!frame ||
            page_table->map(&kernel_table, page - PAGE_SIZE, frame, PROT_READ | PROT_WRITE) != 0) {
            if (frame)
                frame_put(frame);
            give_up(n, page);
            return NULL;
        }
    }
    tlb_flush();
    return (uint64_t *)stack;
}

void kernel_stack_free(uint64_t *stack)
{
    if (stack)
        give_up((uint16_t)(((uintptr_t)stack - KERNEL_STACKS) / KERNEL_STACK_STRIDE),
                (uintptr_t)stack);
}
