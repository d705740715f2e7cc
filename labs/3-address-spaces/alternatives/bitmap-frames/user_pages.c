/* 3.6: all or nothing: first every page is looked at, then bytes are moved. */
#include "errno.h"
#include "memory.h"
#include "space.h"
#include "string.h"
#include "task.h"
#include "user_memory.h"

/* Can the program access the page of va?  Returns 0 or why not. */
static long check(struct space *space, uint64_t va, enum access access)
{
    if (va >= USER_END)
        return -EFAULT;
    const unsigned needed = PROT_USER | (unsigned)access;
    if ((pte_prot(page_table->find(&space->table, va)) & needed) == needed)
        return 0;
    long error = space_fault->fault(space, va, access);
    if (error)
        return error;
    unsigned now = pte_prot(page_table->find(&space->table, va));
    return (now & needed) == needed ? 0 : -EFAULT;
}

static long check_all(struct task *task, uint64_t start, size_t size, enum access access)
{
    if (size == 0)
        return 0;
    uint64_t last = start + (size - 1);
    if (last < start || last >= USER_END)
        return -EFAULT;
    for (uint64_t page = page_down(start); page <= last; page += PAGE_SIZE) {
        long error = check(task->process->space, page < start ? start : page, access);
        if (error)
            return error;
    }
    return 0;
}

static char *at(struct task *task, uint64_t va)
{
    return (char *)pte_frame(page_table->find(&task->process->space->table, va)) + va % PAGE_SIZE;
}

static long in(struct task *task, void *dst, uint64_t src, size_t size)
{
    long error = check_all(task, src, size, ACCESS_READ);
    for (size_t done = 0; !error && done < size;) {
        size_t n = PAGE_SIZE - (src + done) % PAGE_SIZE;
        n = n < size - done ? n : size - done;
        memcpy((char *)dst + done, at(task, src + done), n);
        done += n;
    }
    return error;
}

static long out(struct task *task, uint64_t dst, const void *src, size_t size)
{
    long error = check_all(task, dst, size, ACCESS_WRITE);
    for (size_t done = 0; !error && done < size;) {
        size_t n = PAGE_SIZE - (dst + done) % PAGE_SIZE;
        n = n < size - done ? n : size - done;
        memcpy(at(task, dst + done), (const char *)src + done, n);
        done += n;
    }
    return error;
}

static long string(struct task *task, char *dst, uint64_t src, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (i == 0 || (src + i) % PAGE_SIZE == 0) {
            long error = check(task->process->space, src + i, ACCESS_READ);
            if (error)
                return error;
        }
        dst[i] = *at(task, src + i);
        if (!dst[i])
            return (long)i;
    }
    return -ENAMETOOLONG;
}

static const struct user_memory_ops careful = {in, out, string};
PROVIDE(user_memory, 3, careful);
