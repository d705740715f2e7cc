/*
 * Task 5.2: memory on request: mmap().
 */
#include "errno.h"
#include "file.h"
#include "memory.h"
#include "mmap.h"
#include "syscall.h"
#include "task.h"

/* TODO(5.2) */

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
    /* TODO(5.2) */
    (void)task, (void)args;
    return -ENOSYS;
}
SYSCALL(SYS_MMAP, sys_mmap);
