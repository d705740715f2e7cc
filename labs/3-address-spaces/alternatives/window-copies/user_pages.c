/* 3.6: copies through a window: the last page that was found, by walking the raw page table. */
#include "errno.h"
#include "memory.h"
#include "space.h"
#include "string.h"
#include "task.h"
#include "user_memory.h"

enum { PIECE = 256 };

struct window {
    struct space *space;
    enum access access;
    uint64_t page; /* of the program's, in which the window is open */
    char *bytes;   /* the same page, where the kernel has it; NULL: not open yet */
};

/* The leaf for va, as the MMU would find it; 0 when there is none, or it is not valid. */
static uint64_t raw_leaf(const struct space *space, uint64_t va)
{
    uint64_t pte = space->table.root >> 12 << 10 | PTE_V;
    for (int shift = 30; shift >= 12; shift -= 9) {
        const uint64_t *entries = (const uint64_t *)pte_frame(pte);
        pte = entries[va >> shift & 511];
        if (!(pte & PTE_V))
            return 0;
    }
    return pte;
}

/* Open the window where va is, if the page permits the access. */
static bool open_at(struct window *window, uint64_t va)
{
    uint64_t leaf = raw_leaf(window->space, va), needed = PTE_U | (uint64_t)window->access << 1;
    window->page = page_down(va);
    window->bytes = (leaf & needed) == needed ? (char *)pte_frame(leaf) : NULL;
    return window->bytes;
}

/* Where the byte at va is, with as many behind it as are left of its page; NULL, and *error. */
static char *look(struct window *window, uint64_t va, long *error)
{
    if (!window->bytes || page_down(va) != window->page) {
        *error = -EFAULT;
        if (va >= USER_END)
            return NULL;
        if (!open_at(window, va)) {
            *error = space_fault->fault(window->space, va, window->access);
            if (*error)
                return NULL;
            *error = -EFAULT;
            if (!open_at(window, va))
                return NULL;
        }
    }
    return window->bytes + va % PAGE_SIZE;
}

/* A few bytes, none of them beyond the page. */
static size_t piece(uint64_t va, size_t size)
{
    size_t rest = PAGE_SIZE - va % PAGE_SIZE;
    size = size < rest ? size : rest;
    return size < PIECE ? size : PIECE;
}

static long in(struct task *task, void *dst, uint64_t src, size_t size)
{
    struct window window = {.space = task->process->space, .access = ACCESS_READ};
    long error = 0;
    for (char *to = dst; size > 0;) {
        const char *from = look(&window, src, &error);
        if (!from)
            return error;
        size_t n = piece(src, size);
        memcpy(to, from, n);
        to += n, src += n, size -= n;
    }
    return 0;
}

static long out(struct task *task, uint64_t dst, const void *src, size_t size)
{
    struct window window = {.space = task->process->space, .access = ACCESS_WRITE};
    long error = 0;
    for (const char *from = src; size > 0;) {
        char *to = look(&window, dst, &error);
        if (!to)
            return error;
        size_t n = piece(dst, size);
        memcpy(to, from, n);
        from += n, dst += n, size -= n;
    }
    return 0;
}

static long string(struct task *task, char *dst, uint64_t src, size_t size)
{
    struct window window = {.space = task->process->space, .access = ACCESS_READ};
    for (size_t n = 0; n < size; n++) {
        long error;
        const char *c = look(&window, src + n, &error);
        if (!c)
            return error;
        dst[n] = *c;
        if (*c == '\0')
            return (long)n;
    }
    return -ENAMETOOLONG;
}

static const struct user_memory_ops windows = {.in = in, .out = out, .string = string};
PROVIDE(user_memory, 3, windows);
