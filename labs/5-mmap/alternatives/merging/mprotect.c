/* 5.6: area by area; then neighbours that are alike again become one. */
#include "errno.h"
#include "file.h"
#include "memory.h"
#include "mmap.h"
#include "syscall.h"
#include "task.h"

void merge_areas(struct space *space, uint64_t start, uint64_t end); /* munmap.c */

/* The pages of an area that are there. */
static void change_pages(struct space *space, struct area *area, unsigned prot)
{
    uint64_t va = area->start;
    if (area->backend->protect) {
        area->backend->protect(space, area, area->start, area->end, prot);
        return;
    }
    while ((va = space_next_page(space, va, area->end)) < area->end) {
        page_table->protect(&space->table, va, prot);
        va += PAGE_SIZE;
    }
}

/* All of [start, *done) has changed when this returns, and nothing else.  0 or an error. */
static long change(struct space *space, uint64_t start, uint64_t end, unsigned prot, uint64_t *done)
{
    for (*done = start; *done < end;) {
        struct area *area = area_find(&space->areas, *done);
        if (!area)
            return -ENOMEM;
        if (area->prot == prot) {
            *done = area->end < end ? area->end : end;
            continue;
        }
        if (area->shared && (prot & PROT_WRITE) && !file_can_write(area->file))
            return -EACCES;
        if (area->end > end && !area_split(&space->areas, area, end))
            return -ENOMEM;
        if (area->start < *done && !(area = area_split(&space->areas, area, *done)))
            return -ENOMEM;
        change_pages(space, area, prot);
        if (area->prot & PROT_WRITE)
            area->modified = true;
        area->prot = prot;
        *done = area->end;
    }
    return 0;
}

static long sys_mprotect(struct task *task, const uint64_t args[6])
{
    struct space *space = task->process->space;
    uint64_t start = args[0], length = page_up(args[1]), done;
    unsigned prot = (unsigned)args[2];
    if (args[1] == 0)
        return start % PAGE_SIZE ? -EINVAL : 0;
    if (start % PAGE_SIZE)
        return -EINVAL;
    if (length == 0 || length > -start - 1)
        return -ENOMEM;
    if (prot > (PROT_READ | PROT_WRITE | PROT_EXEC))
        return -EINVAL;
    if (start >= USER_END || length > USER_END - start)
        return -ENOMEM;
    prot |= prot & PROT_WRITE ? PROT_READ | PROT_USER : PROT_USER;
    long error = change(space, start, start + length, prot, &done);
    merge_areas(space, start, start + length);
    if (prot & PROT_EXEC)
        __asm__ volatile("fence.i" ::: "memory");
    return error;
}
SYSCALL(SYS_MPROTECT, sys_mprotect);
