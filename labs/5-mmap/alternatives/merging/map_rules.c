/* 5.1: the file first, then the range, then what is easy; room by a walk along all areas. */
#include "errno.h"
#include "file.h"
#include "memory.h"
#include "mmap.h"
#include "task.h"

static bool is_power_of_two(unsigned x)
{
    return x && !(x & (x - 1));
}

/* The file behind fd, and what may be done with it. */
static long check_file(struct task *task, uint64_t fd, bool writes_to_it, struct file **file)
{
    *file = file_get(task, fd);
    if (!*file)
        return -EBADF;
    if (!(*file)->ops->page)
        return -ENODEV;
    if (writes_to_it && !file_can_write(*file))
        return -EACCES;
    return file_can_read(*file) ? 0 : -EACCES;
}

/* The range at a place that the program insists on. */
static long check_place(uint64_t address, uint64_t length)
{
    if (address < MMAP_MIN)
        return -EPERM;
    if (address >= USER_END || USER_END - address < length)
        return -ENOMEM;
    return address & (PAGE_SIZE - 1) ? -EINVAL : 0;
}

long mmap_check(struct task *task, const uint64_t args[6], struct map_request *request)
{
    const unsigned prot = (unsigned)args[2], flags = (unsigned)args[3], type = flags & MAP_TYPE;
    const uint64_t offset = args[5], length = page_up(args[1]);
    long error = 0;

    request->file = NULL;
    request->offset = 0;
    if (!(flags & MAP_ANONYMOUS)) {
        error =
            check_file(task, args[4], type == MAP_SHARED && (prot & PROT_WRITE), &request->file);
        request->offset = offset;
    }
    if (!error && (length < args[1] || length > USER_END))
        error = -ENOMEM;
    if (!error && (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)))
        error = check_place(args[0], length);
    /* Where the last page begins must be a number, too. */
    if (!error && request->file && length && offset + (length - PAGE_SIZE) < offset)
        error = -EOVERFLOW;
    if (!error &&
        (length == 0 || offset & (PAGE_SIZE - 1) || !is_power_of_two(type) || type > MAP_PRIVATE))
        error = -EINVAL;
    request->address = args[0];
    request->length = length;
    request->flags = flags;
    request->prot = PROT_USER | (prot & (PROT_READ | PROT_WRITE | PROT_EXEC));
    if (prot & PROT_WRITE)
        request->prot |= PROT_READ;
    return error;
}

/* The first gap from `from` on, or 0. */
static uint64_t first_fit(const struct space *space, uint64_t from, uint64_t length)
{
    const struct area *area = NULL;
    while ((area = area_next(&space->areas, area)) && area->start < MMAP_END) {
        if (area->end <= from)
            continue;
        if (area->start >= from && area->start - from >= length)
            break;
        from = area->end;
    }
    return from < MMAP_END && MMAP_END - from >= length ? from : 0;
}

uint64_t find_unmapped_area(struct space *space, uint64_t hint, uint64_t length)
{
    uint64_t found = 0;
    if (hint >= MMAP_BASE && hint < MMAP_END)
        found = first_fit(space, page_up(hint), length);
    return found ? found : first_fit(space, MMAP_BASE, length);
}
