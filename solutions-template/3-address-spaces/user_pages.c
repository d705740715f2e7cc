/*
 * Task 3.6: the kernel reaches a program's memory page by page, and trusts no pointer.
 */
#include <stdbool.h>

#include "errno.h"
#include "memory.h"
#include "space.h"
#include "string.h"
#include "task.h"
#include "user_memory.h"

/* TODO(3.6) */

/*
 * The contracts of these three are in user_memory.h, and they are the same as in lab 1.  What is new is how
 * the program's address leads to memory: by its own page table, each page to another frame.  A page
 * is the program's to read, or to write, when its entry has U and R, or W.  Where it has not, ask
 * space_fault->fault() (space.h) once: when that returns 0, look again; else it says what to
 * return.
 *
 * An address, or the end of a range, may be anything: beyond USER_END, or beyond 64 bits.
 */
static long paged_in(struct task *task, void *dst, uint64_t src, size_t size)
{
    /* TODO(3.6) */
    if (task->process->space)
        return -EFAULT;
    const struct user_memory_ops *lower = slot_below(user_memory, 3);
    return lower->in(task, dst, src, size);
}

static long paged_out(struct task *task, uint64_t dst, const void *src, size_t size)
{
    /* TODO(3.6) */
    if (task->process->space)
        return -EFAULT;
    const struct user_memory_ops *lower = slot_below(user_memory, 3);
    return lower->out(task, dst, src, size);
}

static long paged_string(struct task *task, char *dst, uint64_t src, size_t size)
{
    /* TODO(3.6) */
    if (task->process->space)
        return -EFAULT;
    const struct user_memory_ops *lower = slot_below(user_memory, 3);
    return lower->string(task, dst, src, size);
}

static const struct user_memory_ops paged = {
    .in = paged_in, .out = paged_out, .string = paged_string};
PROVIDE(user_memory, 3, paged);
