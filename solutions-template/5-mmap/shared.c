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

/* TODO(5.5) */

/*
 * The contracts of these four are in area.h and mmap.h.  fill(): the file says -EIO for a page that begins behind
 * its end.  The reference to the frame that file->ops->page() gives is the page's; drop() puts it back.
 * fence.i for what is to be executed.  While a page is written, the task may sleep.
 */
static int shared_fill(struct space *space, const struct area *area, uint64_t va)
{
    /* TODO(5.5) */
    (void)space, (void)area, (void)va;
    return -EIO;
}

int write_back_pages(struct space *space, const struct area *area, uint64_t start, uint64_t end)
{
    /* TODO(5.5) */
    (void)space, (void)area, (void)start, (void)end;
    return 0;
}

static void shared_drop(struct space *space, const struct area *area, uint64_t start, uint64_t end)
{
    /* TODO(5.5) */
    (void)space, (void)area, (void)start, (void)end;
}

/* What was written so far is written back, so that it is not forgotten with PROT_WRITE. */
static void shared_protect(struct space *space, const struct area *area, uint64_t start,
                           uint64_t end, unsigned prot)
{
    /* TODO(5.5) */
    (void)space, (void)area, (void)start, (void)end, (void)prot;
}

static const struct backend shared_pages = {
    .name = "shared", .fill = shared_fill, .drop = shared_drop, .protect = shared_protect};

/* NULL until fill() is done. */
const struct backend *shared_file_backend(void)
{
    /* TODO(5.5) */
    (void)shared_pages;
    return NULL;
}

/*
 * If va lies in a shared area that may be written, and its page is there and cannot be, let it be writable from
 * now on.  va: any address, a program's.  Returns whether that was so.
 */
static bool let_write(struct space *space, uint64_t va)
{
    /* TODO(5.5) */
    (void)space, (void)va;
    return false;
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
    /* TODO(5.5) */
    return lower->fault(space, va, access);
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
    /* TODO(5.5) */
    (void)task, (void)args, (void)MS_INVALIDATE;
    return -ENOSYS;
}
SYSCALL(SYS_MSYNC, sys_msync);
