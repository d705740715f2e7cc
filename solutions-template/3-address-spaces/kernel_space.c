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

/* TODO(3.3) */

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
    /* TODO(3.3) */
    (void)kernel_table;
}
INITCALL(3, kernel_space_init);

/* TODO(3.3) */

/*
 * The contracts of these two are in kernel_stack.h.  A stack is KERNEL_STACK_SIZE bytes at
 * KERNEL_STACKS + n * KERNEL_STACK_STRIDE + PAGE_SIZE (memory.h) for an n that no other stack has: on
 * frames, which need not lie beside each other.  The page below stays unmapped.
 */
uint64_t *kernel_stack_alloc(void)
{
    /* TODO(3.3) */
    return kmalloc(KERNEL_STACK_SIZE);
}

void kernel_stack_free(uint64_t *stack)
{
    /* TODO(3.3) */
    kfree(stack);
}
