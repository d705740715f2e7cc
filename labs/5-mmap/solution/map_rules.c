/*
 * Task 5.1: what can be asked of mmap(), and where there is room.
 */
#include "errno.h"
#include "file.h"
#include "memory.h"
#include "mmap.h"
#include "task.h"

/*
 * The contract of this one is in mmap.h: mmap(address, length, prot, flags, fd, offset) are args[0] to args[5].
 * See mmap(2).  prot, flags and fd are ints: the upper half of their registers says nothing.
 *
 *     -EINVAL    offset is not a multiple of PAGE_SIZE; length is 0; flags & MAP_TYPE is neither MAP_SHARED nor
 *                MAP_PRIVATE; MAP_FIXED or MAP_FIXED_NOREPLACE, and address is not a multiple of PAGE_SIZE
 *     -EBADF     fd is no open file, without MAP_ANONYMOUS; with it fd is nothing, and offset is not used
 *     -ENODEV    the file has no content to look up (no file->ops->page), like the console
 *     -EACCES    the file has not been opened for reading; or MAP_SHARED and PROT_WRITE, and not for writing
 *     -ENOMEM    length in whole pages is more than there is between 0 and USER_END; or MAP_FIXED or
 *                MAP_FIXED_NOREPLACE, and the end would lie beyond USER_END
 *     -EOVERFLOW offset + length, in whole pages, is 2^64 or more
 *     -EPERM     MAP_FIXED or MAP_FIXED_NOREPLACE, and address is below MMAP_MIN
 *
 * When several are wrong, any of them may be told.  Bits of prot and flags that are not in mmap.h are nothing,
 * and whoever asks for PROT_WRITE gets PROT_READ with it.
 */
long mmap_check(struct task *task, const uint64_t args[6], struct map_request *request)
{
    /* BEGIN SOLUTION 5.1 */
    unsigned flags = (unsigned)args[3], type = flags & MAP_TYPE;
    *request = (struct map_request){
        .address = args[0],
        .length = page_up(args[1]),
        .prot = ((unsigned)args[2] & (PROT_READ | PROT_WRITE | PROT_EXEC)) | PROT_USER,
        .flags = flags,
    };
    if (request->prot & PROT_WRITE)
        request->prot |= PROT_READ;
    if (args[5] % PAGE_SIZE != 0 || args[1] == 0 || (type != MAP_SHARED && type != MAP_PRIVATE))
        return -EINVAL;
    if (request->length < args[1] || request->length > USER_END)
        return -ENOMEM;
    if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
        if (args[0] % PAGE_SIZE != 0)
            return -EINVAL;
        if (args[0] > USER_END - request->length)
            return -ENOMEM;
        if (args[0] < MMAP_MIN)
            return -EPERM;
    }
    if (flags & MAP_ANONYMOUS)
        return 0;

    struct file *file = file_get(task, args[4]);
    uint64_t end;
    if (!file)
        return -EBADF;
    if (__builtin_add_overflow(args[5], request->length, &end))
        return -EOVERFLOW;
    if (!file_can_read(file))
        return -EACCES;
    if (type == MAP_SHARED && (request->prot & PROT_WRITE) && !file_can_write(file))
        return -EACCES;
    if (!file->ops->page)
        return -ENODEV;
    request->file = file;
    request->offset = args[5];
    return 0;
    /* STUB
    (void)task, (void)args, (void)request;
    return -ENODEV;
    */
    /* END SOLUTION */
}

/*
 * The contract of this one is in mmap.h.  The part for mappings is [MMAP_BASE, MMAP_END): behind it the stack
 * grows, before it the heap.  A hint need not be page aligned: what it is rounded up to, is meant.
 * area_find_gap() (area.h) looks for room.
 */
uint64_t find_unmapped_area(struct space *space, uint64_t hint, uint64_t length)
{
    /* BEGIN SOLUTION 5.1 */
    if (hint > MMAP_BASE && hint < MMAP_END) {
        uint64_t found = area_find_gap(&space->areas, page_up(hint), length, MMAP_END);
        if (found != MMAP_END)
            return found;
    }
    uint64_t found = area_find_gap(&space->areas, MMAP_BASE, length, MMAP_END);
    return found == MMAP_END ? 0 : found;
    /* STUB
    (void)space, (void)hint, (void)length;
    return 0;
    */
    /* END SOLUTION */
}
