/* defaults.c: what serves memory's slots, and its functions, until a lab brings something better. */
#include "demand.h"
#include "errno.h"
#include "fork.h"
#include "kernel_stack.h"
#include "kmalloc.h"
#include "memory.h"
#include "mmap.h"
#include "panic.h"
#include "space.h"
#include "task.h"
#include "user_memory.h"

DEFINE_SLOT(user_memory);
DEFINE_SLOT(page_table);
DEFINE_SLOT(spaces);
DEFINE_SLOT(space_fault);

/* Until lab 1's task 1.4 the kernel reaches nobody's memory. */
static long no_in(struct task *task, void *dst, uint64_t src, size_t size)
{
    (void)task, (void)dst, (void)src, (void)size;
    return -EFAULT;
}

static long no_out(struct task *task, uint64_t dst, const void *src, size_t size)
{
    (void)task, (void)dst, (void)src, (void)size;
    return -EFAULT;
}

static long no_string(struct task *task, char *dst, uint64_t src, size_t size)
{
    (void)task, (void)dst, (void)src, (void)size;
    return -EFAULT;
}

static const struct user_memory_ops no_user_memory = {
    .in = no_in, .out = no_out, .string = no_string};
PROVIDE(user_memory, 0, no_user_memory);

/* Until lab 4 a page that is missing stays missing. */
static long no_space(struct space *space, uint64_t va, enum access access)
{
    (void)space, (void)va, (void)access;
    return -EFAULT;
}

static const struct space_fault_ops no_space_fault = {.fault = no_space};
PROVIDE(space_fault, 0, no_space_fault);

/* For areas with a file: there is no backend yet. */
static const struct backend *no_backend(void)
{
    return NULL;
}

DEFAULT(segment_backend, no_backend);

static int no_growth(struct space *space, uint64_t va)
{
    (void)space, (void)va;
    return -EFAULT;
}

DEFAULT(stack_grow, no_growth);

static bool no_relief(const struct space *space)
{
    (void)space;
    return false;
}

static void no_end(struct task *task, uint64_t cause)
{
    (void)cause;
    panic("%s has touched a page that there is no frame for (task 4.6)", task->process->name);
}

DEFAULT(reclaim_frames, no_relief);
DEFAULT(oom_kill, no_end);

/* Until lab 5 nothing can be mapped. */

static long no_request(struct task *task, const uint64_t args[6], struct map_request *request)
{
    (void)task, (void)args, (void)request;
    return -ENODEV;
}

static uint64_t no_place(struct space *space, uint64_t hint, uint64_t length)
{
    (void)space, (void)hint, (void)length;
    return 0;
}

DEFAULT(mmap_check, no_request);
DEFAULT(find_unmapped_area, no_place);

static int no_clear(struct space *space, uint64_t start, uint64_t end)
{
    (void)space, (void)start, (void)end;
    return -ENODEV;
}

DEFAULT(unmap_range, no_clear);

DEFAULT(private_file_backend, no_backend);
DEFAULT(shared_file_backend, no_backend);

static int no_write_back(struct space *space, const struct area *area, uint64_t start, uint64_t end)
{
    (void)space, (void)area, (void)start, (void)end;
    return 0;
}

DEFAULT(write_back_pages, no_write_back);

/* Until lab 3 there is no paging. */

static int no_table(struct page_table *table)
{
    (void)table;
    return -ENOMEM;
}

static void destroy_none(struct page_table *table)
{
    (void)table;
}

static int map_none(struct page_table *table, uint64_t va, uintptr_t frame, unsigned prot)
{
    (void)table, (void)va, (void)frame, (void)prot;
    return -ENOMEM;
}

static uint64_t unmap_none(struct page_table *table, uint64_t va)
{
    (void)table, (void)va;
    return 0;
}

static int protect_none(struct page_table *table, uint64_t va, unsigned prot)
{
    (void)table, (void)va, (void)prot;
    return -ENOENT;
}

static uint64_t find_none(const struct page_table *table, uint64_t va)
{
    (void)table, (void)va;
    return 0;
}

static const struct page_table_ops no_page_table = {
    .create = no_table,
    .destroy = destroy_none,
    .map = map_none,
    .unmap = unmap_none,
    .protect = protect_none,
    .find = find_none,
};
PROVIDE(page_table, 0, no_page_table);

static int no_map(struct space *space, const struct area *wanted)
{
    (void)space, (void)wanted;
    return -ENOMEM;
}

static void no_unmap(struct space *space, struct area *area)
{
    (void)space, (void)area;
}

static const struct spaces_ops no_spaces = {.map = no_map, .unmap = no_unmap};
PROVIDE(spaces, 0, no_spaces);

/* A stack is a piece of the kernel's heap. */
static uint64_t *stack_from_heap(void)
{
    return kmalloc(KERNEL_STACK_SIZE);
}

static void stack_to_heap(uint64_t *stack)
{
    kfree(stack);
}

DEFAULT(kernel_stack_alloc, stack_from_heap);
DEFAULT(kernel_stack_free, stack_to_heap);

/* Until lab 6's task 6.2 a child gets copies at once. */
static int copies_at_once(struct space *parent, struct space *child, const struct area *area)
{
    (void)parent, (void)child, (void)area;
    return -ENOSYS;
}

DEFAULT(share_pages, copies_at_once);
