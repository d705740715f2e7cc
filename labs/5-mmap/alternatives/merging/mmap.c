/* 5.2: map, then make one of neighbours that go on. */
#include "errno.h"
#include "file.h"
#include "memory.h"
#include "mmap.h"
#include "syscall.h"
#include "task.h"

void merge_areas(struct space *space, uint64_t start, uint64_t end); /* munmap.c */

/* Map what was asked for at request->address.  0 or an error. */
static int map_there(struct space *space, const struct map_request *request,
                     const struct area *wanted)
{
    struct area area = *wanted;
    area.start = request->address;
    area.end = area.start + request->length;
    int error = slot_below(spaces, 4)->map(space, &area);
    if (!error)
        merge_areas(space, area.start, area.end);
    return error;
}

/* Make room where the program insists on a place, or choose one.  0 or an error. */
static int place(struct space *space, struct map_request *request)
{
    if (request->flags & MAP_FIXED_NOREPLACE)
        return 0; /* map() says -EEXIST */
    if (request->flags & MAP_FIXED)
        return unmap_range(space, request->address, request->address + request->length);
    request->address = find_unmapped_area(space, request->address, request->length);
    return request->address ? 0 : -ENOMEM;
}

static void populate(struct space *space, uint64_t start, uint64_t end)
{
    const struct area *area = area_find(&space->areas, start);
    int error = 0;
    for (uint64_t va = start; !error && va < end; va += PAGE_SIZE)
        error = area->backend->fill(space, area, va);
}

static long sys_mmap(struct task *task, const uint64_t args[6])
{
    struct space *space = task->process->space;
    struct map_request request;
    long error = mmap_check(task, args, &request);
    if (error)
        return error;

    const bool shared = (request.flags & MAP_TYPE) == MAP_SHARED;
    struct file *unnamed = NULL;
    struct area area = {
        .prot = request.prot,
        .backend = spaces->anonymous,
        .shared = shared,
        .file = request.file,
        .offset = request.file ? request.offset : 0,
    };
    if (shared)
        area.backend = shared_file_backend();
    else if (area.file)
        area.backend = private_file_backend();
    if (!area.backend)
        return -ENODEV;
    if (shared && !area.file) {
        unnamed = memory_file_create(request.length);
        if (!unnamed)
            return -ENOMEM;
        area.file = unnamed;
    }
    error = place(space, &request);
    if (!error)
        error = map_there(space, &request, &area);
    file_put(unnamed);
    if (error)
        return error;
    if ((request.flags & MAP_POPULATE) || populate_all)
        populate(space, request.address, request.address + request.length);
    return (long)request.address;
}
SYSCALL(SYS_MMAP, sys_mmap);
