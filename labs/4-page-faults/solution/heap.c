/*
 * Task 4.4: the heap: memory that a program asks for while it runs, with brk().
 */
#include "demand.h"
#include "errno.h"
#include "loader.h"
#include "memory.h"
#include "space.h"
#include "syscall.h"
#include "task.h"

/*
 * The contract of this one is in loader.h, and slot_below(loader, 4)->load() does the work.  What is new:
 * when it has worked, the heap of the process's space is empty, and begins (heap_start, heap_end) with
 * the page behind the program's last segment: where the last area below the stack ends, or with PAGE_SIZE
 * if there is none.  (Without a space, as long as lab 3's loader is not done, there is no heap.)
 */
static int load(struct process *process, const char *path, char *const argv[], char *const envp[])
{
    const struct loader_ops *lower = slot_below(loader, 4);
    int error = lower->load(process, path, argv, envp);
    /* BEGIN SOLUTION 4.4 */
    struct space *space = process->space;
    if (error || !space)
        return error;
    const struct area *stack = area_find(&space->areas, USER_STACK_TOP - 1);
    space->heap_start = PAGE_SIZE;
    for (const struct area *area = NULL; (area = area_next(&space->areas, area)) != stack;)
        space->heap_start = area->end;
    space->heap_end = space->heap_start;
    return 0;
    /* STUB
    return error;
    */
    /* END SOLUTION */
}

/* What is left out here, lab 3's serves. */
static const struct loader_ops with_a_heap = {.load = load};
PROVIDE(loader, 4, with_a_heap);

/*
 * brk(end): args[0].  Let the heap end there: any address, not only a page's.  See brk(2), "C
 * library/kernel differences": the system call returns where the heap ends now, so what could not be done
 * is told by an end that has not changed.  There is no error.
 *
 * Not possible: an end below heap_start; one from which it is less than a page to the area behind; one in
 * the USER_STACK_MAX bytes below USER_STACK_TOP that are the stack's, or less than USER_STACK_GAP
 * (demand.h) below; and where pages are to be filled at once (populate_all), more than there is memory
 * for.
 *
 * The pages of the heap are one area [heap_start, …), anonymous, for reading and writing, mapped by
 * spaces->map() when it gets its first byte; space_resize() (space.h) lets it grow and shrink.  An empty
 * heap has no area.  Pages that it loses are given back, and zero if it grows there again.
 */
static long sys_brk(struct task *task, const uint64_t args[6])
{
    /* BEGIN SOLUTION 4.4 */
    struct space *space = task->process->space;
    uint64_t end = args[0], limit = USER_STACK_TOP - USER_STACK_MAX - USER_STACK_GAP;
    if (!space)
        return 0;
    if (end < space->heap_start || end > limit)
        return (long)space->heap_end;

    struct area *heap = NULL;
    if (space->heap_end > space->heap_start)
        heap = area_find(&space->areas, space->heap_start);
    const struct area *next =
        heap ? area_next(&space->areas, heap) : area_find_from(&space->areas, space->heap_start);
    uint64_t pages_end = page_up(end);
    if (pages_end > page_up(space->heap_end) && next->start < pages_end + PAGE_SIZE)
        return (long)space->heap_end;

    int error = 0;
    if (heap && pages_end == space->heap_start) {
        spaces->unmap(space, heap);
    } else if (heap) {
        error = space_resize(space, heap, heap->start, pages_end);
    } else if (pages_end > space->heap_start) {
        const struct area wanted = {
            .start = space->heap_start,
            .end = pages_end,
            .prot = PROT_READ | PROT_WRITE | PROT_USER,
            .populate = true,
            .backend = spaces->anonymous,
        };
        error = spaces->map(space, &wanted);
    }
    if (!error)
        space->heap_end = end;
    return (long)space->heap_end;
    /* STUB
    (void)task, (void)args;
    return -ENOSYS;
    */
    /* END SOLUTION */
}
SYSCALL(SYS_BRK, sys_brk);
