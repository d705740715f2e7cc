/*
 * Task 6.2: copies that are made when somebody writes.
 */
#include "demand.h"
#include "errno.h"
#include "fork.h"
#include "frame.h"
#include "memory.h"
#include "space.h"
#include "string.h"
#include "task.h"
#include "trap.h"

/*
 * The contract of this one is in fork.h.  To share a page is to have a reference to its frame (frame_get() in
 * frame.h, frame_get_all() for many), and not to have PROT_WRITE, on both sides.  What each may do otherwise stays
 * as it is; the area still says PROT_WRITE, which is how a fault will be told from one that is no good.
 */
int share_pages(struct space *parent, struct space *child, const struct area *area)
{
    /* TODO(6.2) */
    (void)parent, (void)child, (void)area;
    return -ENOSYS;
}

/*
 * Somebody lets a page have other permissions (lab 5's mprotect() does), and knows nothing of all this.  If the page
 * may be shared (the area that it lies in is not shared itself), and its frame has another user, too, it does not
 * get PROT_WRITE.  All else is lab 3's to do.  table: a space's (space_of_table() in space.h), or the kernel's.
 * Returns 0, or -ENOENT when va is not mapped.
 */
static int protect(struct page_table *table, uint64_t va, unsigned prot)
{
    const struct page_table_ops *lower = slot_below(page_table, 6);
    /* TODO(6.2) */
    return lower->protect(table, va, prot);
}

static const struct page_table_ops who_else = {.protect = protect};
PROVIDE(page_table, 6, who_else);

enum { NOT_MINE = 1 };

/*
 * A program, or the kernel for it, wants to write to va, any address, and its page does not permit that.  Is it one
 * that may be shared: is it there and can be read, in an area that is not shared itself and says PROT_WRITE?  Then it is
 * to have a frame that nobody else has.  If it has already (references in frame.h), it only needs PROT_WRITE again;
 * else it gets a copy, and has one reference less to the old frame.
 *
 * If there is no frame for the copy: as lab 4, reclaim_frames() (demand.h), once.
 *
 * Returns 0; -ENOMEM; NOT_MINE for everything else, of which the levels below know more.
 */
static long unshare(struct space *space, uint64_t va)
{
    /* TODO(6.2) */
    (void)space, (void)va;
    return NOT_MINE;
}

/* The contract of this one is in space.h: the copies of lab 3 call it.  What is not yours is slot_below()'s. */
static long fault(struct space *space, uint64_t va, enum access access)
{
    /* TODO(6.2) */
    (void)unshare;
    return slot_below(space_fault, 6)->fault(space, va, access);
}

static const struct space_fault_ops copying = {.fault = fault};
PROVIDE(space_fault, 6, copying);

/*
 * A program has tried to write to a page that does not permit it.  No frame for it: oom_kill().
 * Returns whether the trap has been dealt with.
 */
static bool on_store_fault(struct task *task, uint64_t cause)
{
    /* TODO(6.2) */
    (void)task, (void)cause;
    return false;
}
TRAP_HANDLER(CAUSE_STORE_PAGE, 6, on_store_fault);
