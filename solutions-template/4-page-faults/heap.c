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
    /* TODO(4.4) */
    return error;
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
    /* TODO(4.4) */
    (void)task, (void)args;
    return -ENOSYS;
}
SYSCALL(SYS_BRK, sys_brk);
