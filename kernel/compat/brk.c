/*
 * brk.c: brk() where a program has changed the areas of its heap.  See brk(2).
 *
 * Lab 4's brk() keeps the heap as one area, and so it stays until a program uses the calls of lab 5 there: mprotect()
 * cuts the area, munmap() makes holes, and mmap() with MAP_FIXED puts other areas in.  Such a heap is dealt with here,
 * as Linux does: what it gains is new anonymous memory between the old end and the new one, and what it loses is
 * unmapped, whatever lies there.
 *
 * One difference remains: from Linux 6.1 on the heap does not shrink over a range in which nothing is mapped at all;
 * before, and here, it does.
 */
#include "demand.h"
#include "errno.h"
#include "memory.h"
#include "mmap.h"
#include "slot.h"
#include "space.h"
#include "syscall.h"
#include "task.h"

/* Lab 4's system call. */
static long (*lower)(struct task *task, const uint64_t args[6]);

/* Is the heap as lab 4 left it: without an area, or one that has all of it and nothing else? */
static bool is_one_area(const struct space *space)
{
    uint64_t start = space->heap_start, end = page_up(space->heap_end);
    if (start == end)
        return true;
    const struct area *heap = area_find(&space->areas, start);
    return heap && heap->start == start && heap->end == end && heap->backend == spaces->anonymous &&
           heap->prot == (PROT_READ | PROT_WRITE | PROT_USER);
}

/* Unmap [start, end), page aligned.  Returns 0, or -ENOMEM when an area cannot be cut: nothing is lost then. */
static int clear(struct space *space, uint64_t start, uint64_t end)
{
    const uint64_t cuts[] = {start, end};
    for (int i = 0; i < 2; i++) {
        struct area *area = area_find(&space->areas, cuts[i]);
        if (area && area->start < cuts[i] && !area_split(&space->areas, area, cuts[i]))
            return -ENOMEM;
    }
    struct area *area;
    while ((area = area_find_from(&space->areas, start)) && area->start < end)
        spaces->unmap(space, area);
    return 0;
}

/* Map anonymous memory from start on, which nothing lies in or less than a page behind.  0 or an error. */
static int extend(struct space *space, uint64_t start, uint64_t end)
{
    const struct area *next = area_find_from(&space->areas, start);
    if (next && next->start < end + PAGE_SIZE)
        return -ENOMEM;
    const struct area wanted = {
        .start = start,
        .end = end,
        .prot = PROT_READ | PROT_WRITE | PROT_USER,
        .populate = true,
        .backend = spaces->anonymous,
    };
    return spaces->map(space, &wanted);
}

static long brk_over_areas(struct task *task, const uint64_t args[6])
{
    struct space *space = task->process->space;
    if (!space || is_one_area(space))
        return lower(task, args);
    uint64_t end = args[0];
    if (end < space->heap_start || end > MMAP_END)
        return (long)space->heap_end;
    uint64_t had = page_up(space->heap_end), wanted = page_up(end);
    int error = 0;
    if (wanted > had)
        error = extend(space, had, wanted);
    else if (wanted < had)
        error = clear(space, wanted, had);
    if (!error)
        space->heap_end = end;
    return (long)space->heap_end;
}

/* Be asked before lab 4, where lab 5 is linked. */
static void more_areas(void)
{
    lower = syscall_table[SYS_BRK];
    if (lower && syscall_table[SYS_MUNMAP])
        syscall_table[SYS_BRK] = brk_over_areas;
}
INITCALL(0, more_areas);
