/*
 * Task 3.3: the kernel's own address space, and the moment when paging goes on.
 */
#include "errno.h"
#include "frame.h"
#include "kernel_stack.h"
#include "kmalloc.h"
#include "memory.h"
#include "panic.h"
#include "platform.h"
#include "riscv.h"
#include "slot.h"
#include "space.h"

/* From kernel.ld: where the parts of the kernel begin and end, page aligned but for rodata_end. */
extern char kernel_start[], text_end[], rodata_end[], trampoline_start[];

/* From start.S: the lowest byte of the boot stack.  The page below is for nobody. */
extern char boot_stack[];

static struct page_table kernel_table;

/* BEGIN SOLUTION 3.3 */
/* Map [start, end) to the same addresses.  For boot, where there is no way on without. */
static void map_identity(uintptr_t start, uintptr_t end, unsigned prot)
{
    for (uintptr_t page = page_down(start); page < end; page += PAGE_SIZE) {
        int error = page_table->map(&kernel_table, page, page, prot);
        if (error)
            panic("the kernel's page table cannot map 0x%lx: error %d", page, error);
    }
}
/* STUB
*/
/* END SOLUTION */

/*
 * Called once at boot.  Make the kernel's page table and switch it on.  It maps, none of it for user
 * mode (no PROT_USER),
 *
 *     the serial port (UART0)       to the same address       RW-
 *     text, with the trampoline     to the same addresses     R-X
 *     rodata                        to the same addresses     R--
 *     all memory behind that        to the same addresses     RW-    but the page below boot_stack
 *     the trampoline once more      to TRAMPOLINE (space.h)   R-X
 *
 * so that no page can both be written and executed, and every address that the kernel has used so far
 * means the same as before: the instruction behind `csrw satp` is fetched through the table.
 *
 * The kernel's stacks join later: see below.
 */
static void kernel_space_init(void)
{
    /* BEGIN SOLUTION 3.3 */
    uintptr_t memory_end = platform.memory_start + platform.memory_size;
    uintptr_t guard = (uintptr_t)boot_stack - PAGE_SIZE;

    if (page_table->create(&kernel_table) != 0)
        panic("no memory for the kernel's page table");
    map_identity(UART0, UART0 + PAGE_SIZE, PROT_READ | PROT_WRITE);
    map_identity((uintptr_t)kernel_start, (uintptr_t)text_end, PROT_READ | PROT_EXEC);
    map_identity((uintptr_t)text_end, (uintptr_t)rodata_end, PROT_READ);
    map_identity(page_up((uintptr_t)rodata_end), guard, PROT_READ | PROT_WRITE);
    map_identity((uintptr_t)boot_stack, memory_end, PROT_READ | PROT_WRITE);
    if (page_table->map(&kernel_table, TRAMPOLINE, (uintptr_t)trampoline_start,
                        PROT_READ | PROT_EXEC) != 0)
        panic("the kernel's page table cannot map the trampoline");

    csr_write(satp, page_table_satp(&kernel_table));
    tlb_flush();
    /* STUB
    (void)kernel_table;
    */
    /* END SOLUTION */
}
INITCALL(3, kernel_space_init);

/* BEGIN SOLUTION 3.3 */
/* Which stacks are in use: bit n of the word n / 64. */
enum { STACKS_MAX = 4096 };
static uint64_t used[STACKS_MAX / 64];

/* Unmap the first pages of a stack, and give them back. */
static void drop_pages(uintptr_t stack, size_t pages)
{
    for (size_t i = 0; i < pages; i++)
        frame_put(pte_frame(page_table->unmap(&kernel_table, stack + i * PAGE_SIZE)));
}

/* Give a stack all its pages, and have the CPU forget that there were none.  Returns 0 or -ENOMEM. */
static int fill_pages(uintptr_t stack)
{
    for (size_t i = 0; i < KERNEL_STACK_SIZE / PAGE_SIZE; i++) {
        uintptr_t frame = frame_take();
        if (frame && page_table->map(&kernel_table, stack + i * PAGE_SIZE, frame,
                                     PROT_READ | PROT_WRITE) == 0)
            continue;
        if (frame)
            frame_put(frame);
        drop_pages(stack, i);
        return -ENOMEM;
    }
    tlb_flush();
    return 0;
}
/* STUB
*/
/* END SOLUTION */

/*
 * The contracts of these two are in kernel_stack.h.  A stack is KERNEL_STACK_SIZE bytes at
 * KERNEL_STACKS + n * KERNEL_STACK_STRIDE + PAGE_SIZE (memory.h) for an n that no other stack has: on
 * frames, which need not lie beside each other.  The page below stays unmapped.
 */
uint64_t *kernel_stack_alloc(void)
{
    /* BEGIN SOLUTION 3.3 */
    for (size_t word = 0; word < STACKS_MAX / 64; word++) {
        if (~used[word] == 0)
            continue;
        size_t bit = (size_t)__builtin_ctzl(~used[word]);
        uintptr_t stack = KERNEL_STACKS + (word * 64 + bit) * KERNEL_STACK_STRIDE + PAGE_SIZE;
        if (fill_pages(stack) != 0)
            return NULL;
        used[word] |= 1UL << bit;
        return (uint64_t *)stack;
    }
    return NULL;
    /* STUB
    return kmalloc(KERNEL_STACK_SIZE);
    */
    /* END SOLUTION */
}

void kernel_stack_free(uint64_t *stack)
{
    /* BEGIN SOLUTION 3.3 */
    if (!stack)
        return;
    size_t n = ((uintptr_t)stack - KERNEL_STACKS) / KERNEL_STACK_STRIDE;
    drop_pages((uintptr_t)stack, KERNEL_STACK_SIZE / PAGE_SIZE);
    used[n / 64] &= ~(1UL << n % 64);
    /* STUB
    kfree(stack);
    */
    /* END SOLUTION */
}
