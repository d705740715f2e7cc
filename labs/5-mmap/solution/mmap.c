/*
 * Task 5.2: memory on request: mmap().
 */
#include "errno.h"
#include "file.h"
#include "memory.h"
#include "mmap.h"
#include "syscall.h"
#include "task.h"

/* BEGIN SOLUTION 5.2 */
/* Choose the area's backend, and whose pages it has.  An anonymous one that is shared gets a file. */
static int choose_backend(struct area *area, const struct map_request *request)
{
    area->file = request->file;
    area->offset = request->offset;
    area->shared = (request->flags & MAP_TYPE) == MAP_SHARED;
    area->backend = area->shared ? shared_file_backend()
                    : area->file ? private_file_backend()
                                 : spaces->anonymous;
    if (!area->backend)
        return -ENODEV;
    if (area->shared && !area->file) {
        area->file = memory_file_create(area->end - area->start);
        if (!area->file)
            return -ENOMEM;
    }
    return 0;
}

/* Find the place, and make it free where the program says so.  *start: page aligned.  0 or an error. */
static int choose_place(struct space *space, const struct map_request *request, uint64_t *start)
{
    *start = request->address;
    uint64_t end = *start + request->length;
    if (request->flags & MAP_FIXED_NOREPLACE) {
        const struct area *next = area_find_from(&space->areas, *start);
        return next && next->start < end ? -EEXIST : 0;
    }
    if (request->flags & MAP_FIXED)
        return unmap_range(space, *start, end);
    *start = find_unmapped_area(space, request->address, request->length);
    return *start ? 0 : -ENOMEM;
}

/* Bring in what can be had of an area, from its beginning on. */
static void populate(struct space *space, uint64_t start, uint64_t end)
{
    const struct area *area = area_find(&space->areas, start);
    for (uint64_t va = start; va < end; va += PAGE_SIZE)
        if (area->backend->fill(space, area, va) != 0)
            return;
}
/* STUB
*/
/* END SOLUTION */

/*
 * mmap(address, length, prot, flags, fd, offset): args[0] to args[5].  See mmap(2).
 *
 * mmap_check() (mmap.h) says whether it can be.  Where: at the address itself with MAP_FIXED, after
 * unmap_range() has made room there; with MAP_FIXED_NOREPLACE, alone or with the other, if no area is in the way (else -EEXIST); in
 * all other cases where find_unmapped_area() says (0: -ENOMEM).  What cannot be mapped must not cost what has been
 * there: everything else that can go wrong comes before unmap_range().
 *
 * With whose pages: those of spaces->anonymous; with a file those of private_file_backend(); where it is to be
 * shared, those of shared_file_backend(), and area->shared says so.  An area that is shared and anonymous
 * is a part of a file nonetheless: of one that has no name (memory_file_create() in file.h).  A backend that
 * is NULL is not there yet: -ENODEV.
 *
 * Areas of mmap() wait (lab 4).  Lab 4's spaces->map() decides that by who has made them; here the program has
 * said what it wants, so ask the one below: slot_below(spaces, 4)->map(), without populate.  Then, with
 * MAP_POPULATE or where all pages are to be there (populate_all in demand.h), bring in what there is memory and
 * file for: that some of it cannot be had is no error.
 *
 * Returns the address, or a negative errno.
 */
static long sys_mmap(struct task *task, const uint64_t args[6])
{
    /* BEGIN SOLUTION 5.2 */
    struct space *space = task->process->space;
    struct map_request request;
    uint64_t start;
    long error = mmap_check(task, args, &request);
    if (error)
        return error;
    struct area area = {.end = request.length, .prot = request.prot};
    error = choose_backend(&area, &request);
    if (error)
        return error;
    error = choose_place(space, &request, &start);
    if (!error) {
        area.start = start;
        area.end = start + request.length;
        error = slot_below(spaces, 4)->map(space, &area);
    }
    if (area.file && !request.file)
        file_put(area.file);
    if (error)
        return error;
    if (populate_all || (request.flags & MAP_POPULATE))
        populate(space, area.start, area.end);
    return (long)start;
    /* STUB
    (void)task, (void)args;
    return -ENOSYS;
    */
    /* END SOLUTION */
}
SYSCALL(SYS_MMAP, sys_mmap);
