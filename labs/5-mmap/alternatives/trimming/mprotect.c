/* 5.6: look at all of it, cut, then change what is between: nothing happens, or all. */
#include "errno.h"
#include "file.h"
#include "memory.h"
#include "mmap.h"
#include "syscall.h"
#include "task.h"

/* Can all of [start, end) have these permissions?  0 or an error. */
static int look(const struct space *space, uint64_t start, uint64_t end, unsigned prot)
{
    int error = 0;
    const struct area *area = area_find_from(&space->areas, start);
    for (; start < end; area = area_next(&space->areas, area)) {
        if (!area || area->start > start)
            return -ENOMEM;
        if (area->shared && (prot & PROT_WRITE) && !file_can_write(area->file))
            error = -EACCES;
        start = area->end;
    }
    return error;
}

/* Have an area begin at `at`, which lies in one or where one ends.  0 or -ENOMEM. */
static int cut(struct space *space, uint64_t at)
{
    struct area *area = area_find(&space->areas, at);
    return area && area->start < at && !area_split(&space->areas, area, at) ? -ENOMEM : 0;
}

static void change(struct space *space, struct area *area, unsigned prot)
{
    const uint64_t end = area->end;
    if (area->prot & PROT_WRITE)
        area->modified = true;
    if (area->backend->protect)
        area->backend->protect(space, area, area->start, end, prot);
    else
        for (uint64_t va = area->start; (va = space_next_page(space, va, end)) < end;
             va += PAGE_SIZE)
            page_table->protect(&space->table, va, prot);
    area->prot = prot;
}

static long sys_mprotect(struct task *task, const uint64_t args[6])
{
    struct space *space = task->process->space;
    const uint64_t start = args[0], length = page_up(args[1]), end = start + length;
    unsigned prot = (unsigned)args[2];
    if (start % PAGE_SIZE)
        return -EINVAL;
    if (args[1] == 0)
        return 0;
    if (length == 0 || start > UINT64_MAX - length)
        return -ENOMEM;
    if (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC))
        return -EINVAL;
    if (length > USER_END || start > USER_END - length)
        return -ENOMEM;
    prot |= PROT_USER;
    if (prot & PROT_WRITE)
        prot |= PROT_READ;
    int error = look(space, start, end, prot);
    if (!error)
        error = cut(space, end);
    if (!error)
        error = cut(space, start);
    if (error)
        return error;
    struct area *area = area_find(&space->areas, start);
    for (; area && area->start < end; area = area_next(&space->areas, area))
        change(space, area, prot);
    __asm__ volatile("fence.i" ::: "memory");
    return 0;
}
SYSCALL(SYS_MPROTECT, sys_mprotect);
