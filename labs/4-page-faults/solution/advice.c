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
    MADV_DONTNEED = 4,
    WILLNEED_PAGES = 256
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

/*
 * The program's first area that covers some of [*start, end), and that part of it, [*start, *part_end);
 * NULL when there is no more.
 */
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

/* Fill at most *budget pages that are missing in [start, end), as far as there is memory. */
static void fill_missing(struct space *space, const struct area *area, uint64_t start, uint64_t end,
                         size_t *budget)
{
    for (uint64_t va = start; va<end && * budget> 0; va += PAGE_SIZE, --*budget)
        if (!page_table->find(&space->table, va) && area->backend->fill(space, area, va) != 0)
            *budget = 1;
}
/* STUB
*/
/* END SOLUTION */

/*
 * madvise(address, length, advice): args[0] to args[2].  See madvise(2): MADV_DONTNEED gives back what
 * the pages hold, so that they are as new when they are touched; MADV_WILLNEED brings in what is missing
 * of the first WILLNEED_PAGES pages that the program has in the range, as far as there is memory: it is only
 * advice, and ends no program.  A program has a page if it lies in an area, whether it is there or missing; an
 * address in no area does not count.  For the other three nothing happens.  Length is rounded up, and no fault
 * is counted.
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
    size_t budget = WILLNEED_PAGES;
    const struct area *area;
    while (at < end && (area = next_area(space, &at, &part_end, end))) {
        if (advice == MADV_DONTNEED)
            area->backend->drop(space, area, at, part_end);
        else if (advice == MADV_WILLNEED)
            fill_missing(space, area, at, part_end, &budget);
        covered += part_end - at;
        at = part_end;
    }
    return covered == length ? 0 : -ENOMEM;
    /* STUB
    (void)task, (void)args, (void)MADV_NORMAL, (void)WILLNEED_PAGES;
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
    uint64_t end = start + length, at = start, covered = 0, part_end;
    while (at < end && next_area(space, &at, &part_end, end)) {
        covered += part_end - at;
        at = part_end;
    }
    if (covered < length)
        return -ENOMEM;
    /* A piece of the vector at a time, and of it only what is there. */
    for (at = start; at < end; at = part_end) {
        char resident[512] = {0};
        part_end =
            end - at > sizeof(resident) * PAGE_SIZE ? at + sizeof(resident) * PAGE_SIZE : end;
        uint64_t page = at;
        for (; (page = space_next_page(space, page, part_end)) < part_end; page += PAGE_SIZE)
            resident[(page - at) / PAGE_SIZE] = 1;
        long error = user_memory->out(task, vector + (at - start) / PAGE_SIZE, resident,
                                      (part_end - at) / PAGE_SIZE);
        if (error)
            return error;
    }
    return 0;
    /* STUB
    (void)task, (void)args;
    return -ENOSYS;
    */
    /* END SOLUTION */
}
SYSCALL(SYS_MINCORE, sys_mincore);
