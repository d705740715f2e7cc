/* 5.4: cutting areas, and the opposite. */
#include "errno.h"
#include "file.h"
#include "kmalloc.h"
#include "memory.h"
#include "mmap.h"
#include "panic.h"
#include "syscall.h"
#include "task.h"

void merge_areas(struct space *space, uint64_t start, uint64_t end);

/* Does b go on where a ends, as if both had been mapped at once? */
static bool goes_on(const struct space *space, const struct area *a, const struct area *b)
{
    const uint64_t size = a->end - a->start;
    /* The heap and the stack have parts of the kernel that know where they begin and end. */
    if (a->start < MMAP_BASE || a->start < space->heap_end || b->end > MMAP_END)
        return false;
    if (a->end != b->start || a->prot != b->prot || a->backend != b->backend ||
        a->populate != b->populate || a->shared != b->shared || a->file != b->file)
        return false;
    if (a->file && (a->offset + size != b->offset || a->modified != b->modified))
        return false;
    /* What an area has from its file ends in it only if nothing of the next one is from there. */
    return a->file_size == size || b->file_size == 0;
}

/* Make one of neighbours that go on, as far as they touch [start, end]. */
void merge_areas(struct space *space, uint64_t start, uint64_t end)
{
    struct area *area = area_find_from(&space->areas, start > 0 ? start - 1 : 0), *next;
    while (area && area->start < end && (next = area_next(&space->areas, area))) {
        if (!goes_on(space, area, next)) {
            area = next;
            continue;
        }
        area_remove(&space->areas, next);
        int error = area_resize(&space->areas, area, area->start, next->end);
        assert(error == 0);
        area->file_size += next->file_size;
        file_put(next->file); /* area has a reference of its own */
        kfree(next);
    }
}

/* Have an area begin at `at`, if one lies there.  Returns false without memory. */
static bool cut(struct space *space, uint64_t at)
{
    struct area *area = area_find(&space->areas, at);
    return !area || area->start == at || area_split(&space->areas, area, at);
}

int unmap_range(struct space *space, uint64_t start, uint64_t end)
{
    if (!cut(space, end))
        return -ENOMEM;
    if (!cut(space, start)) {
        merge_areas(space, end, end);
        return -ENOMEM;
    }
    struct area *area = area_find_from(&space->areas, start);
    while (area && area->start < end) {
        struct area *next = area_next(&space->areas, area);
        spaces->unmap(space, area);
        area = next;
    }
    return 0;
}

static long sys_munmap(struct task *task, const uint64_t args[6])
{
    uint64_t start = args[0], length = args[1];
    if (length == 0 || length > USER_END || start > USER_END - page_up(length) ||
        start & (PAGE_SIZE - 1))
        return -EINVAL;
    return unmap_range(task->process->space, start, start + page_up(length));
}
SYSCALL(SYS_MUNMAP, sys_munmap);
