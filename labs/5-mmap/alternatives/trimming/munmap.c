/* 5.4: an area gives up its end, or its beginning; in two it is cut only where its middle goes. */
#include "errno.h"
#include "memory.h"
#include "mmap.h"
#include "panic.h"
#include "syscall.h"
#include "task.h"

/* Have an area end earlier. */
static void cut_end(struct space *space, struct area *area, uint64_t end)
{
    int error = space_resize(space, area, area->start, end);
    assert(error == 0);
}

/* Have it begin later, and show the same: its pages go first, for where they belong depends on its start. */
static void cut_beginning(struct space *space, struct area *area, uint64_t start)
{
    uint64_t gone = start - area->start;
    area->backend->drop(space, area, area->start, start);
    area->offset += gone;
    area->physical += gone;
    area->file_size -= area->file_size < gone ? area->file_size : gone;
    int error = area_resize(&space->areas, area, start, area->end);
    assert(error == 0);
}

int unmap_range(struct space *space, uint64_t start, uint64_t end)
{
    struct area *area;
    while ((area = area_find_from(&space->areas, start)) && area->start < end) {
        bool before = area->start<start, behind = area->end> end;
        if (before && behind && !area_split(&space->areas, area, end))
            return -ENOMEM;
        if (before)
            cut_end(space, area, start);
        else if (behind)
            cut_beginning(space, area, end);
        else
            spaces->unmap(space, area);
    }
    return 0;
}

static long sys_munmap(struct task *task, const uint64_t args[6])
{
    const uint64_t start = args[0], end = start + page_up(args[1]);
    if (args[1] > USER_END || end > USER_END || end <= start || start % PAGE_SIZE)
        return -EINVAL;
    return unmap_range(task->process->space, start, end);
}
SYSCALL(SYS_MUNMAP, sys_munmap);
