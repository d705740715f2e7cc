/*
 * Task 5.5: memory that is shared, and files that are written by writing to memory.
 */
#include "errno.h"
#include "file.h"
#include "frame.h"
#include "memory.h"
#include "mmap.h"
#include "syscall.h"
#include "task.h"
#include "trap.h"

/*
 * A page of a shared area is the file's own (file->ops->page() in file.h): whoever maps it, in this space or in
 * another, has the same frame, and read() shows what is there.  What is missing is only that somebody tells the
 * file which pages have been written, so that they come to the disk: file->ops->write_at(), with the page's
 * frame as the buffer; as many bytes as the file has of it, for writing must not make it longer.  A page that
 * nobody has written must not be written either.
 *
 * How to know?  A page begins without PROT_WRITE, even if its area has it.  The first store to it faults; then it
 * gets it.  So the pages that can be written are those that were, and those that write_back_pages() has written
 * begin again without.  (There is another way, the bit D of its entry, where the CPU sets it.)
 */

/* BEGIN SOLUTION 5.5 */
/* What a page of the area permits until it is written to; without PROT_WRITE, which had brought reading along. */
static unsigned clean_prot(unsigned prot)
{
    return prot & PROT_WRITE ? (prot & ~PROT_WRITE) | PROT_READ : prot;
}

/* Write to the file what a page has that lies at va in area, as far as the file goes.  0 or -EIO. */
static int write_page(const struct area *area, uint64_t va, uintptr_t frame)
{
    struct file *file = area->file;
    uint64_t at = area->offset + (va - area->start), end = file->ops->size(file);
    if (at >= end)
        return 0;
    size_t size = end - at < PAGE_SIZE ? end - at : PAGE_SIZE;
    long written = file->ops->write_at(file, (const void *)frame, size, at);
    return written == (long)size ? 0 : -EIO;
}
/* STUB
*/
/* END SOLUTION */

/*
 * The contracts of these four are in area.h and mmap.h.  fill(): the file says -EIO for a page that begins behind
 * its end.  The reference to the frame that file->ops->page() gives is the page's; drop() puts it back.
 * fence.i for what is to be executed.  While a page is written, the task may sleep.
 */
static int shared_fill(struct space *space, const struct area *area, uint64_t va)
{
    /* BEGIN SOLUTION 5.5 */
    uintptr_t frame;
    int error = area->file->ops->page(area->file, area->offset + (va - area->start), &frame);
    if (error)
        return error;
    error = page_table->map(&space->table, va, frame, clean_prot(area->prot));
    if (error)
        frame_put(frame);
    if (area->prot & PROT_EXEC)
        __asm__ volatile("fence.i" ::: "memory");
    return error;
    /* STUB
    (void)space, (void)area, (void)va;
    return -EIO;
    */
    /* END SOLUTION */
}

int write_back_pages(struct space *space, const struct area *area, uint64_t start, uint64_t end)
{
    /* BEGIN SOLUTION 5.5 */
    int error = 0;
    for (uint64_t va = start; (va = space_next_page(space, va, end)) < end; va += PAGE_SIZE) {
        uint64_t pte = page_table->find(&space->table, va);
        if (!(pte_prot(pte) & PROT_WRITE))
            continue;
        page_table->protect(&space->table, va, clean_prot(area->prot));
        int result = write_page(area, va, pte_frame(pte));
        error = error ? error : result;
    }
    return error;
    /* STUB
    (void)space, (void)area, (void)start, (void)end;
    return 0;
    */
    /* END SOLUTION */
}

static void shared_drop(struct space *space, const struct area *area, uint64_t start, uint64_t end)
{
    /* BEGIN SOLUTION 5.5 */
    for (uint64_t va = start; (va = space_next_page(space, va, end)) < end; va += PAGE_SIZE) {
        uint64_t pte = page_table->unmap(&space->table, va);
        if (pte_prot(pte) & PROT_WRITE)
            write_page(area, va, pte_frame(pte));
        frame_put(pte_frame(pte));
    }
    /* STUB
    (void)space, (void)area, (void)start, (void)end;
    */
    /* END SOLUTION */
}

/* What was written so far is written back, so that it is not forgotten with PROT_WRITE. */
static void shared_protect(struct space *space, const struct area *area, uint64_t start,
                           uint64_t end, unsigned prot)
{
    /* BEGIN SOLUTION 5.5 */
    write_back_pages(space, area, start, end);
    for (uint64_t va = start; (va = space_next_page(space, va, end)) < end; va += PAGE_SIZE)
        page_table->protect(&space->table, va, clean_prot(prot));
    /* STUB
    (void)space, (void)area, (void)start, (void)end, (void)prot;
    */
    /* END SOLUTION */
}

static const struct backend shared_pages = {
    .name = "shared", .fill = shared_fill, .drop = shared_drop, .protect = shared_protect};

/* NULL until fill() is done. */
const struct backend *shared_file_backend(void)
{
    /* BEGIN SOLUTION 5.5 */
    return &shared_pages;
    /* STUB
    (void)shared_pages;
    return NULL;
    */
    /* END SOLUTION */
}

/*
 * If va lies in a shared area that may be written, and its page is there and cannot be, let it be writable from
 * now on.  va: any address, a program's.  Returns whether that was so.
 */
static bool let_write(struct space *space, uint64_t va)
{
    /* BEGIN SOLUTION 5.5 */
    const struct area *area = va < USER_END ? area_find(&space->areas, va) : NULL;
    if (!area || !area->shared || !(area->prot & PROT_WRITE))
        return false;
    uint64_t pte = page_table->find(&space->table, va);
    if (pte == 0 || (pte_prot(pte) & PROT_WRITE))
        return false;
    page_table->protect(&space->table, page_down(va), area->prot);
    return true;
    /* STUB
    (void)space, (void)va;
    return false;
    */
    /* END SOLUTION */
}

/* Asked before lab 4's handler, which brings in what is missing, and knows no page that is there to be refused. */
static bool on_store(struct task *task, uint64_t cause)
{
    (void)cause;
    struct space *space = task->process->space;
    return space && let_write(space, task->user.stval);
}
TRAP_HANDLER(CAUSE_STORE_PAGE, 5, on_store);

/*
 * The contract of this one is in space.h: the copies of lab 3 call it, once for a page.  When they want to write,
 * the page must be there and writable when it returns 0.
 */
static long fault(struct space *space, uint64_t va, enum access access)
{
    const struct space_fault_ops *lower = slot_below(space_fault, 5);
    /* BEGIN SOLUTION 5.5 */
    if (access != ACCESS_WRITE)
        return lower->fault(space, va, access);
    if (let_write(space, va))
        return 0;
    long error = lower->fault(space, va, access);
    if (!error)
        let_write(space, va);
    return error;
    /* STUB
    return lower->fault(space, va, access);
    */
    /* END SOLUTION */
}

static const struct space_fault_ops write_faults = {.fault = fault};
PROVIDE(space_fault, 5, write_faults);

enum { MS_ASYNC = 1, MS_INVALIDATE = 2, MS_SYNC = 4 };

/*
 * msync(address, length, flags): args[0] to args[2].  See msync(2): what has been written to the pages of shared
 * areas in the range is written to their files; with MS_SYNC it is on the disk (file->ops->sync(), which may be
 * NULL) when this returns.  Length is rounded up to pages; flags is an int.
 *
 * Returns 0; -EINVAL for an address that is not a multiple of PAGE_SIZE, for another flag than the three, for
 * MS_ASYNC and MS_SYNC together; -ENOMEM when some of the range is not mapped (what is, has been dealt with) or
 * it wraps; -EIO.
 */
static long sys_msync(struct task *task, const uint64_t args[6])
{
    /* BEGIN SOLUTION 5.5 */
    struct space *space = task->process->space;
    uint64_t start = args[0], end = start + page_up(args[1]), at = start;
    unsigned flags = (unsigned)args[2];
    if (start % PAGE_SIZE != 0 || (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) ||
        (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
        return -EINVAL;
    if (end < start || end > USER_END)
        return -ENOMEM;
    long error = 0;
    while (at < end) {
        const struct area *area = area_find_from(&space->areas, at);
        if (!area || area->start > at)
            error = -ENOMEM;
        if (!area || area->start >= end)
            break;
        at = area->start > at ? area->start : at;
        uint64_t part_end = area->end < end ? area->end : end;
        if (area->shared) {
            int result = write_back_pages(space, area, at, part_end);
            if (!result && (flags & MS_SYNC) && area->file->ops->sync)
                result = area->file->ops->sync(area->file);
            error = result ? result : error;
        }
        at = part_end;
    }
    return error;
    /* STUB
    (void)task, (void)args, (void)MS_INVALIDATE;
    return -ENOSYS;
    */
    /* END SOLUTION */
}
SYSCALL(SYS_MSYNC, sys_msync);
