/* 5.2: what can be refused is refused by those who know: map() says what is in the way. */
#include "errno.h"
#include "file.h"
#include "memory.h"
#include "mmap.h"
#include "syscall.h"
#include "task.h"

/* Whose pages, for each kind: shared or not, with a file or not. */
static const struct backend *backend_of(bool shared, bool anonymous)
{
    if (shared)
        return shared_file_backend();
    return anonymous ? spaces->anonymous : private_file_backend();
}

static long map(struct space *space, const struct map_request *request, struct file *file,
                bool shared)
{
    const struct backend *backend = backend_of(shared, !request->file);
    uint64_t start = request->address, length = request->length;
    const unsigned exact = request->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
    int error = 0;
    if (exact == MAP_FIXED)
        error = unmap_range(space, start, start + length);
    else if (!exact && !(start = find_unmapped_area(space, start, length)))
        error = -ENOMEM;
    if (error)
        return error;
    struct area area = {
        .start = start,
        .end = start + length,
        .prot = request->prot,
        .backend = backend,
        .shared = shared,
        .file = file,
    };
    if (request->file)
        area.offset = request->offset;
    error = slot_below(spaces, 4)->map(space, &area);
    if (error)
        return error;
    if ((request->flags & MAP_POPULATE) || populate_all) {
        const struct area *there = area_find(&space->areas, start);
        while (length > 0 && backend->fill(space, there, start + (area.end - start - length)) == 0)
            length -= PAGE_SIZE;
    }
    return (long)start;
}

static long sys_mmap(struct task *task, const uint64_t args[6])
{
    struct map_request request;
    long result = mmap_check(task, args, &request);
    if (result)
        return result;
    bool shared = (request.flags & MAP_TYPE) == MAP_SHARED;
    if (!backend_of(shared, !request.file))
        return -ENODEV;
    struct file *file = request.file;
    if (file)
        file->references++;
    else if (shared && !(file = memory_file_create(request.length)))
        return -ENOMEM;
    result = map(task->process->space, &request, file, shared);
    file_put(file);
    return result;
}
SYSCALL(SYS_MMAP, sys_mmap);
