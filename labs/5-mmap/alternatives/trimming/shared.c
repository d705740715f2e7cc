/* 5.5: a page that can be written was; once it has been written back it goes, and comes again. */
#include "errno.h"
#include "file.h"
#include "frame.h"
#include "memory.h"
#include "mmap.h"
#include "syscall.h"
#include "task.h"
#include "trap.h"

static int fill(struct space *space, const struct area *area, uint64_t va)
{
    struct file *file = area->file;
    unsigned prot = area->prot;
    uintptr_t frame;
    int error = file->ops->page(file, area->offset + (va - area->start), &frame);
    if (error)
        return error;
    if (prot & PROT_WRITE)
        prot = (prot | PROT_READ) - PROT_WRITE;
    error = page_table->map(&space->table, va, frame, prot);
    if (error)
        frame_put(frame);
    else if (prot & PROT_EXEC)
        __asm__ volatile("fence.i" ::: "memory");
    return error;
}

/* The page that lay at va, and whose entry was pte, is not mapped any more.  0 or -EIO. */
static int give_up(const struct area *area, uint64_t va, uint64_t pte)
{
    struct file *file = area->file;
    uint64_t at = area->offset + (va - area->start), end = file->ops->size(file);
    uintptr_t frame = pte_frame(pte);
    int error = 0;
    if ((pte_prot(pte) & PROT_WRITE) && at < end) {
        size_t size = end - at < PAGE_SIZE ? end - at : PAGE_SIZE;
        if (file->ops->write_at(file, (const void *)frame, size, at) != (long)size)
            error = -EIO;
    }
    frame_put(frame);
    return error;
}

/* Write what was written, and drop it.  What was not written may stay, if it is to. */
static int write_and_drop(struct space *space, const struct area *area, uint64_t start,
                          uint64_t end, bool keep_clean)
{
    int error = 0;
    for (uint64_t va = start; (va = space_next_page(space, va, end)) < end; va += PAGE_SIZE) {
        if (keep_clean && !(pte_prot(page_table->find(&space->table, va)) & PROT_WRITE))
            continue;
        if (give_up(area, va, page_table->unmap(&space->table, va)) != 0)
            error = -EIO;
    }
    return error;
}

int write_back_pages(struct space *space, const struct area *area, uint64_t start, uint64_t end)
{
    return write_and_drop(space, area, start, end, true);
}

static void drop(struct space *space, const struct area *area, uint64_t start, uint64_t end)
{
    write_and_drop(space, area, start, end, false);
}

/* They come again, with what the area permits then. */
static void protect(struct space *space, const struct area *area, uint64_t start, uint64_t end,
                    unsigned prot)
{
    (void)prot;
    write_and_drop(space, area, start, end, false);
}

static const struct backend from_the_cache = {
    .name = "cached", .fill = fill, .drop = drop, .protect = protect};
const struct backend *shared_file_backend(void)
{
    return &from_the_cache;
}

/* Does va lie in a shared area that may be written, and is its page there, and only to be read? */
static const struct area *waits_for_a_store(struct space *space, uint64_t va)
{
    if (va >= USER_END)
        return NULL;
    const struct area *area = area_find(&space->areas, va);
    const uint64_t pte = page_table->find(&space->table, va);
    bool waits =
        area && area->shared && (area->prot & PROT_WRITE) && pte && !(pte_prot(pte) & PROT_WRITE);
    return waits ? area : NULL;
}

static bool on_store(struct task *task, uint64_t cause)
{
    struct space *space = task->process->space;
    const uint64_t va = task->user.stval;
    const struct area *area = space ? waits_for_a_store(space, va) : NULL;
    (void)cause;
    return area && page_table->protect(&space->table, page_down(va), area->prot) == 0;
}
TRAP_HANDLER(CAUSE_STORE_PAGE, 5, on_store);

static long fault(struct space *space, uint64_t va, enum access access)
{
    const struct space_fault_ops *lower = slot_below(space_fault, 5);
    const struct area *area;
    long error = 0;
    /* A page that is there to be read is missing for a write, or lab 4 would refuse it. */
    if (access != ACCESS_WRITE || !waits_for_a_store(space, va))
        error = lower->fault(space, va, access);
    if (!error && access == ACCESS_WRITE && (area = waits_for_a_store(space, va)))
        page_table->protect(&space->table, page_down(va), area->prot);
    return error;
}

static const struct space_fault_ops write_faults = {.fault = fault};
PROVIDE(space_fault, 5, write_faults);

enum { MS_ASYNC = 1, MS_INVALIDATE = 2, MS_SYNC = 4, MS_ALL = 7 };

static long sys_msync(struct task *task, const uint64_t args[6])
{
    struct space *space = task->process->space;
    const uint64_t start = args[0], end = start + page_up(args[1]);
    const unsigned flags = (unsigned)args[2];
    if ((flags | MS_ALL) != MS_ALL || (flags & ~MS_INVALIDATE) == (MS_ASYNC | MS_SYNC))
        return -EINVAL;
    if (start % PAGE_SIZE)
        return -EINVAL;
    if (end < start || end > USER_END)
        return -ENOMEM;
    uint64_t covered = 0;
    long error = 0;
    for (uint64_t at = start; at < end;) {
        const struct area *area = area_find_from(&space->areas, at);
        if (!area || area->start >= end)
            break;
        uint64_t first = area->start < at ? at : area->start;
        at = area->end < end ? area->end : end;
        covered += at - first;
        if (!area->shared)
            continue;
        if (write_back_pages(space, area, first, at) != 0)
            error = -EIO;
        else if ((flags & MS_SYNC) && area->file->ops->sync && area->file->ops->sync(area->file))
            error = -EIO;
    }
    return error || covered == end - start ? error : -ENOMEM;
}
SYSCALL(SYS_MSYNC, sys_msync);
