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

/* BEGIN SOLUTION 3.6 */
/*
 * Where the kernel finds the byte at va, an address of the program: NULL, and *error, when the program
 * may not access it like this.  The rest of that page follows behind.
 */
static char *reach(struct task *task, uint64_t va, enum access access, long *error)
{
    struct space *space = task->process->space;
    *error = -EFAULT;
    if (va >= USER_END)
        return NULL;
    for (int attempt = 0; attempt < 2; attempt++) {
        uint64_t pte = page_table->find(&space->table, va);
        unsigned prot = pte_prot(pte);
        if ((prot & PROT_USER) && (prot & access))
            return (char *)pte_frame(pte) + va % PAGE_SIZE;
        if (attempt == 0 && (*error = space_fault->fault(space, va, access)) != 0)
            return NULL;
    }
    *error = -EFAULT;
    return NULL;
}

/* How many of size bytes from va on lie in its page. */
static size_t within_page(uint64_t va, size_t size)
{
    size_t rest = PAGE_SIZE - va % PAGE_SIZE;
    return size < rest ? size : rest;
}
/* STUB
*/
/* END SOLUTION */

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
    /* BEGIN SOLUTION 3.6 */
    char *to = dst;
    while (size > 0) {
        long error;
        const char *from = reach(task, src, ACCESS_READ, &error);
        if (!from)
            return error;
        size_t n = within_page(src, size);
        memcpy(to, from, n);
        to += n, src += n, size -= n;
    }
    return 0;
    /* STUB
    if (task->process->space)
        return -EFAULT;
    const struct user_memory_ops *lower = slot_below(user_memory, 3);
    return lower->in(task, dst, src, size);
    */
    /* END SOLUTION */
}

static long paged_out(struct task *task, uint64_t dst, const void *src, size_t size)
{
    /* BEGIN SOLUTION 3.6 */
    const char *from = src;
    while (size > 0) {
        long error;
        char *to = reach(task, dst, ACCESS_WRITE, &error);
        if (!to)
            return error;
        size_t n = within_page(dst, size);
        memcpy(to, from, n);
        from += n, dst += n, size -= n;
    }
    return 0;
    /* STUB
    if (task->process->space)
        return -EFAULT;
    const struct user_memory_ops *lower = slot_below(user_memory, 3);
    return lower->out(task, dst, src, size);
    */
    /* END SOLUTION */
}

static long paged_string(struct task *task, char *dst, uint64_t src, size_t size)
{
    /* BEGIN SOLUTION 3.6 */
    size_t done = 0;
    while (done < size) {
        long error;
        const char *from = reach(task, src + done, ACCESS_READ, &error);
        if (!from)
            return error;
        size_t n = within_page(src + done, size - done);
        for (size_t i = 0; i < n; i++, done++)
            if ((dst[done] = from[i]) == '\0')
                return (long)done;
    }
    return -ENAMETOOLONG;
    /* STUB
    if (task->process->space)
        return -EFAULT;
    const struct user_memory_ops *lower = slot_below(user_memory, 3);
    return lower->string(task, dst, src, size);
    */
    /* END SOLUTION */
}

static const struct user_memory_ops paged = {
    .in = paged_in, .out = paged_out, .string = paged_string};
PROVIDE(user_memory, 3, paged);
