/* 5.5: a page is dirty when D is set in its entry. */
#include "errno.h"
#include "file.h"
#include "frame.h"
#include "memory.h"
#include "mmap.h"
#include "syscall.h"
#include "task.h"
#include "trap.h"
#include "user_memory.h"

/* The entry of va in the tables themselves (page_table.h has the picture); NULL when nothing is mapped. */
static uint64_t *entry_of(const struct space *space, uint64_t va)
{
    uint64_t *entries = (uint64_t *)space->table.root;
    for (int shift = 30; shift > 12; shift -= 9) {
        uint64_t pte = entries[va >> shift & (TABLE_ENTRIES - 1)];
        if (!(pte & PTE_V) || (pte & (PTE_R | PTE_X)))
            return NULL;
        entries = (uint64_t *)pte_frame(pte);
    }
    uint64_t *pte = &entries[va >> 12 & (TABLE_ENTRIES - 1)];
    return *pte ? pte : NULL;
}

bool change_dirty(struct space *space, uint64_t va, bool dirty);

/* Set or clear D.  Returns whether it was set.  The CPU may remember that it was, and set it no more. */
bool change_dirty(struct space *space, uint64_t va, bool dirty)
{
    uint64_t *pte = entry_of(space, va);
    if (!pte)
        return false;
    bool was = *pte & PTE_D;
    *pte = dirty ? *pte | PTE_D : *pte & ~PTE_D;
    tlb_flush_page(va);
    return was;
}

static int write_page(const struct area *area, uint64_t va, uintptr_t frame)
{
    struct file *file = area->file;
    uint64_t at = va - area->start + area->offset, size = file->ops->size(file);
    if (size <= at)
        return 0;
    size = size - at > PAGE_SIZE ? PAGE_SIZE : size - at;
    return file->ops->write_at(file, (void *)frame, size, at) == (long)size ? 0 : -EIO;
}

static int fill(struct space *space, const struct area *area, uint64_t va)
{
    uintptr_t frame;
    int error = area->file->ops->page(area->file, va - area->start + area->offset, &frame);
    if (error)
        return error;
    error = page_table->map(&space->table, va, frame, area->prot);
    if (error)
        frame_put(frame);
    else
        change_dirty(space, va, false);
    if (area->prot & PROT_EXEC)
        __asm__ volatile("fence.i" ::: "memory");
    return error;
}

static void drop(struct space *space, const struct area *area, uint64_t start, uint64_t end)
{
    for (uint64_t va = start; (va = space_next_page(space, va, end)) < end; va += PAGE_SIZE) {
        uint64_t pte = page_table->unmap(&space->table, va);
        if (pte & PTE_D)
            write_page(area, va, pte_frame(pte));
        frame_put(pte_frame(pte));
    }
}

/* Other permissions say nothing about what was written. */
static void protect(struct space *space, const struct area *area, uint64_t start, uint64_t end,
                    unsigned prot)
{
    (void)area;
    for (uint64_t va = start; (va = space_next_page(space, va, end)) < end; va += PAGE_SIZE) {
        bool dirty = change_dirty(space, va, false);
        page_table->protect(&space->table, va, prot);
        change_dirty(space, va, dirty);
    }
}

int write_back_pages(struct space *space, const struct area *area, uint64_t start, uint64_t end)
{
    int error = 0;
    for (uint64_t va = start; (va = space_next_page(space, va, end)) < end; va += PAGE_SIZE) {
        uintptr_t frame = pte_frame(page_table->find(&space->table, va));
        /* Clean first: what is stored while we sleep belongs to the next time. */
        if (!change_dirty(space, va, false))
            continue;
        frame_get(frame); /* somebody may truncate the file meanwhile */
        if (write_page(area, va, frame) != 0) {
            change_dirty(space, va, true);
            error = -EIO;
        }
        frame_put(frame);
    }
    return error;
}

static const struct backend shared_pages = {
    .name = "shared", .fill = fill, .drop = drop, .protect = protect};

const struct backend *shared_file_backend(void)
{
    return &shared_pages;
}

/* The entry of va, if it lies in a shared area and its page can be written; else NULL. */
static uint64_t *writable_entry(const struct space *space, uint64_t va)
{
    const struct area *area = va < USER_END ? area_find(&space->areas, va) : NULL;
    uint64_t *pte = area && area->shared ? entry_of(space, va) : NULL;
    return pte && (*pte & PTE_V) && (*pte & PTE_W) ? pte : NULL;
}

/* For a CPU that does not set D itself, but faults. */
static bool on_store(struct task *task, uint64_t cause)
{
    (void)cause;
    struct space *space = task->process->space;
    uint64_t va = task->user.stval, *pte = space ? writable_entry(space, va) : NULL;
    if (!pte || (*pte & PTE_D))
        return false;
    change_dirty(space, va, true);
    return true;
}
TRAP_HANDLER(CAUSE_STORE_PAGE, 5, on_store);

/* The kernel writes to the frames, not to the program's pages: no CPU sees which. */
static long out(struct task *task, uint64_t dst, const void *src, size_t size)
{
    const struct user_memory_ops *lower = slot_below(user_memory, 5);
    struct space *space = task->process->space;
    long result = lower->out(task, dst, src, size);
    if (!space || dst >= USER_END)
        return result;
    /* Where it has failed half-way, it has come to the first page that cannot be written at most. */
    uint64_t end = size < USER_END - dst ? dst + size : USER_END;
    for (uint64_t va = page_down(dst); va < end; va += PAGE_SIZE) {
        if (writable_entry(space, va))
            change_dirty(space, va, true);
        else if (!(pte_prot(page_table->find(&space->table, va)) & PROT_WRITE))
            break;
    }
    return result;
}

static const struct user_memory_ops marking = {.out = out};
PROVIDE(user_memory, 5, marking);

enum { MS_ASYNC = 1, MS_INVALIDATE = 2, MS_SYNC = 4 };

/* One area's part of a range.  0 or -EIO. */
static int sync_part(struct space *space, const struct area *area, uint64_t start, uint64_t end,
                     unsigned flags)
{
    struct file *file = area->file;
    if (!area->shared)
        return 0;
    int error = write_back_pages(space, area, start, end);
    if (!error && (flags & MS_SYNC) && file->ops->sync)
        error = file->ops->sync(file);
    return error;
}

static long sys_msync(struct task *task, const uint64_t args[6])
{
    struct space *space = task->process->space;
    uint64_t at = args[0], length = page_up(args[1]);
    unsigned flags = (unsigned)args[2];
    long result = 0;
    if (at % PAGE_SIZE != 0 || flags >= 2 * MS_SYNC || ((flags & MS_ASYNC) && (flags & MS_SYNC)))
        return -EINVAL;
    (void)MS_INVALIDATE;
    if (length < args[1] || length > USER_END || at > USER_END - length)
        return -ENOMEM;
    const uint64_t end = at + length;
    const struct area *area = area_find_from(&space->areas, at);
    for (; at < end && area && area->start < end; area = area_next(&space->areas, area)) {
        uint64_t from = area->start > at ? area->start : at;
        uint64_t to = area->end < end ? area->end : end;
        if (from > at)
            result = -ENOMEM;
        int error = sync_part(space, area, from, to, flags);
        result = error ? error : result;
        at = to;
    }
    return result == 0 && at < end ? -ENOMEM : result;
}
SYSCALL(SYS_MSYNC, sys_msync);
