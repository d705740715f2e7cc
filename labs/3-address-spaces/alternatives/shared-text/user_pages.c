/* 3.6: one walk over a range, piece by piece; what is done with a piece is a function. */
#include <stdbool.h>

#include "errno.h"
#include "memory.h"
#include "space.h"
#include "string.h"
#include "task.h"
#include "user_memory.h"

/* The kernel's side of a copy, and how many bytes have been dealt with. */
struct copy {
    char *kernel;
    size_t done;
};

/* Deal with n bytes of the program's, which lie in one page.  Returns true when that is enough. */
typedef bool piece_function(struct copy *copy, char *user, size_t n);

static bool piece_in(struct copy *copy, char *user, size_t n)
{
    memcpy(copy->kernel + copy->done, user, n);
    copy->done += n;
    return false;
}

static bool piece_out(struct copy *copy, char *user, size_t n)
{
    memcpy(user, copy->kernel + copy->done, n);
    copy->done += n;
    return false;
}

static bool piece_of_string(struct copy *copy, char *user, size_t n)
{
    for (const char *end = user + n; user < end; copy->done++)
        if (!(copy->kernel[copy->done] = *user++))
            return true;
    return false;
}

static bool permits(uint64_t pte, enum access access)
{
    uint64_t needed = PTE_V | PTE_U | (access == ACCESS_WRITE ? PTE_W : PTE_R);
    return (pte & needed) == needed;
}

/* The entry of a page, with the help of space_fault if need be.  Returns 0 or an error. */
static long look_up(struct space *space, uint64_t va, enum access access, uint64_t *pte)
{
    *pte = page_table->find(&space->table, va);
    if (permits(*pte, access))
        return 0;
    long error = space_fault->fault(space, va, access);
    if (error)
        return error;
    *pte = page_table->find(&space->table, va);
    return permits(*pte, access) ? 0 : -EFAULT;
}

/* Walk [va, va + size) until function has enough.  Returns 1 then, 0 at the end, or an error. */
static long walk(struct task *task, uint64_t va, size_t size, enum access access,
                 piece_function *function, struct copy *copy)
{
    struct space *space = task->process->space;
    while (size > 0) {
        uint64_t next = page_down(va) + PAGE_SIZE, pte;
        size_t n = next - va < size ? next - va : size;
        long error = va < USER_END ? look_up(space, va, access, &pte) : -EFAULT;
        if (error)
            return error;
        if (function(copy, (char *)(pte_frame(pte) | va % PAGE_SIZE), n))
            return 1;
        va = next;
        size -= n;
    }
    return 0;
}

static long in(struct task *task, void *dst, uint64_t src, size_t size)
{
    return walk(task, src, size, ACCESS_READ, piece_in, &(struct copy){dst, 0});
}

static long out(struct task *task, uint64_t dst, const void *src, size_t size)
{
    return walk(task, dst, size, ACCESS_WRITE, piece_out, &(struct copy){(char *)src, 0});
}

static long string(struct task *task, char *dst, uint64_t src, size_t size)
{
    struct copy copy = {dst, 0};
    long result = walk(task, src, size, ACCESS_READ, piece_of_string, &copy);
    if (result < 0)
        return result;
    return result ? (long)copy.done : -ENAMETOOLONG;
}

static const struct user_memory_ops walking = {.in = in, .out = out, .string = string};
PROVIDE(user_memory, 3, walking);
