/* defaults.c: what serves the slots of memory until a lab brings something better. */
#include "errno.h"
#include "space.h"
#include "user_memory.h"

DEFINE_SLOT(user_memory);
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
