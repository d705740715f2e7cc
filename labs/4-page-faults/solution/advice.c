/*
 * Task 4.7, a challenge: programs that know what they will need: madvise() and mincore().
 */
#include <stddef.h>

#include "demand.h"
#include "errno.h"
#include "memory.h"
#include "space.h"
#include "syscall.h"
#include "task.h"
#include "user_memory.h"

enum {
    MADV_NORMAL = 0,
    MADV_RANDOM = 1,
    MADV_SEQUENTIAL = 2,
    MADV_WILLNEED = 3,
    MADV_DONTNEED = 4
};

/* BEGIN SOLUTION 4.7 */
/* Round a length up, and see that [start, start + *length) is one that can be: 0 or -EINVAL. */
static long check_range(uint64_t start, uint64_t *length)
{
    uint64_t rounded = page_up(*length);
    if (start % PAGE_SIZE != 0 || rounded < *length || start + rounded < start)
        return -EINVAL;
    *length = rounded;
    return 0;
}

/* The program's area that covers some of [*start, end), and that part of it; NULL when there is no more. */
static const struct area *next_area(const struct space *space, uint64_t *start, uint64_t *part_end,
                                    uint64_t end)
{
    const struct area *area = area_find_from(&space->areas, *start);
    if (!area || area->start >= end || !(area->prot & PROT_USER))
        return NULL;
    *start = area->start > *start ? area->start : *start;
    *part_end = area->end < end ? area->end : end;
    return area;
}

/* Fill what is missing of [start, end), as far as there is memory: it is only advice. */
static void fill_missing(struct space *space, const struct area *area, uint64_t start, uint64_t end)
{
    for (uint64_t va = start; va < end; va += PAGE_SIZE)
        if (!page_table->find(&space->table, va) && area->backend->fill(space, area, va) != 0)
            return;
}
/* STUB
*/
/* END SOLUTION */

/*
 * madvise(address, length, advice): args[0] to args[2].  See madvise(2): MADV_DONTNEED gives back what
 * the pages hold, so that they are as new when they are touched; MADV_WILLNEED brings in what is missing;
 * the first three are 0, and nothing happens.  Length is rounded up.
 *
 * Returns 0; -EINVAL for an address that is not page aligned, a range that wraps, another advice; -ENOMEM
 * when some of the range is not the program's: what is, has been dealt with.
 */
static long sys_madvise(struct task *task, const uint64_t args[6])
{
    /* BEGIN SOLUTION 4.7 */
    struct space *space = task->process->space;
    uint64_t start = args[0], length = args[1], advice = (uint32_t)args[2];
    if (advice > MADV_DONTNEED)
        return -EINVAL;
    long error = check_range(start, &length);
    if (error)
        return error;
    uint64_t end = start + length, at = start, covered = 0, part_end;
    const struct area *area;
    while (at < end && (area = next_area(space, &at, &part_end, end))) {
        if (advice == MADV_DONTNEED)
            area->backend->drop(space, area, at, part_end);
        else if (advice == MADV_WILLNEED)
            fill_missing(space, area, at, part_end);
        covered += part_end - at;
        at = part_end;
    }
    return covered == length ? 0 : -ENOMEM;
    /* STUB
    (void)task, (void)args, (void)MADV_NORMAL, (void)MADV_DONTNEED;
    return -ENOSYS;
    */
    /* END SOLUTION */
}
SYSCALL(SYS_MADVISE, sys_madvise);

/*
 * mincore(address, length, vector): args[0] to args[2].  See mincore(2): a byte for each page of the
 * range, whose bit 0 says whether the page is in memory.
 *
 * Returns 0; -EINVAL for an address that is not page aligned; -ENOMEM when some of the range is not the
 * program's, or it wraps; -EFAULT.
 */
static long sys_mincore(struct task *task, const uint64_t args[6])
{
    /* BEGIN SOLUTION 4.7 */
    struct space *space = task->process->space;
    uint64_t start = args[0], length = args[1], vector = args[2];
    if (start % PAGE_SIZE != 0)
        return -EINVAL;
    if (check_range(start, &length) != 0)
        return -ENOMEM;
    uint64_t end = start + length, at = start;
    while (at < end) {
        const struct area *area = area_find(&space->areas, at);
        if (!area || !(area->prot & PROT_USER))
            return -ENOMEM;
        for (; at < end && at < area->end; at += PAGE_SIZE) {
            char resident = page_table->find(&space->table, at) != 0;
            long error = user_memory->out(task, vector + (at - start) / PAGE_SIZE, &resident, 1);
            if (error)
                return error;
        }
    }
    return 0;
    /* STUB
    (void)task, (void)args;
    return -ENOSYS;
    */
    /* END SOLUTION */
}
SYSCALL(SYS_MINCORE, sys_mincore);
