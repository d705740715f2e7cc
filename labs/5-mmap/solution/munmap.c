/*
 * Task 5.4: giving back, whole areas and pieces of them: munmap().
 */
#include "errno.h"
#include "memory.h"
#include "mmap.h"
#include "syscall.h"
#include "task.h"

/*
 * The contract of this one is in mmap.h.  An area that begins before start, or ends behind end, is cut there
 * (area_split() in area.h), so that the rest stays with its pages, its permissions, and its place in the file.
 * Then all that lies in [start, end) is whole areas, and they go (spaces->unmap()).  Cut first: there may be no
 * memory for it.
 *
 * Areas that are not for user mode are not the program's; none lies below USER_END.
 */
int unmap_range(struct space *space, uint64_t start, uint64_t end)
{
    /* BEGIN SOLUTION 5.4 */
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
    /* STUB
    (void)space, (void)start, (void)end;
    return -ENODEV;
    */
    /* END SOLUTION */
}

/*
 * munmap(address, length): args[0] and args[1].  See munmap(2).  Where nothing is mapped there is nothing to do.
 *
 * Returns 0; -EINVAL for an address that is not a multiple of PAGE_SIZE, for a length of 0, and for a range
 * that does not end, its length rounded up to pages, at USER_END or before; -ENOMEM.
 */
static long sys_munmap(struct task *task, const uint64_t args[6])
{
    /* BEGIN SOLUTION 5.4 */
    uint64_t start = args[0], length = page_up(args[1]);
    if (start % PAGE_SIZE != 0 || length == 0 || start > USER_END || length > USER_END - start)
        return -EINVAL;
    return unmap_range(task->process->space, start, start + length);
    /* STUB
    (void)task, (void)args;
    return -ENOSYS;
    */
    /* END SOLUTION */
}
SYSCALL(SYS_MUNMAP, sys_munmap);
