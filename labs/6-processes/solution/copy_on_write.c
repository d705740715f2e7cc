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
    /* BEGIN SOLUTION 6.2 */
    struct page_run run = {.behind = area->start};
    while (page_run_next(&parent->table, &run, area->end)) {
        uint64_t *entry = run.first;
        while (entry < run.last && *entry == 0)
            entry++;
        if (entry == run.last)
            continue;
        /* The child's first page here: have a table for it. */
        uint64_t page = run.page + (uint64_t)(entry - run.first) * PAGE_SIZE;
        int error = page_table->map(&child->table, page, pte_frame(*entry), PROT_NONE);
        if (error)
            return error;
        uint64_t *to = page_table_entry(&child->table, page);
        frame_get_all(entry, run.last);
        for (; entry < run.last; entry++, to++)
            *to = *entry &= ~PTE_W;
    }
    tlb_flush();
    return 0;
    /* STUB
    (void)parent, (void)child, (void)area;
    return -ENOSYS;
    */
    /* END SOLUTION */
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
    /* BEGIN SOLUTION 6.2 */
    if ((prot & PROT_WRITE) && (prot & PROT_USER)) {
        const struct area *area = area_find(&space_of_table(table)->areas, va);
        uint64_t pte = lower->find(table, va);
        if (pte && area && !area->shared && frame_of(pte_frame(pte))->references > 1)
            prot = (prot & ~(unsigned)PROT_WRITE) | PROT_READ;
    }
    return lower->protect(table, va, prot);
    /* STUB
    return lower->protect(table, va, prot);
    */
    /* END SOLUTION */
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
    /* BEGIN SOLUTION 6.2 */
    const struct area *area = va < USER_END ? area_find(&space->areas, va) : NULL;
    if (!area || area->shared || !(area->prot & PROT_USER) || !(area->prot & PROT_WRITE))
        return NOT_MINE;
    uint64_t *entry = page_table_entry(&space->table, va);
    if (!entry || (*entry & (PTE_V | PTE_W)) != PTE_V)
        return NOT_MINE;
    uintptr_t frame = pte_frame(*entry);
    if (frame_of(frame)->references > 1) {
        uintptr_t copy = frame_take();
        if (copy == 0 && reclaim_frames(space))
            copy = frame_take();
        if (copy == 0)
            return -ENOMEM;
        memcpy((void *)copy, (const void *)frame, PAGE_SIZE);
        frame_put(frame);
        *entry = (*entry & 0x3ff) | copy / PAGE_SIZE << 10;
    }
    *entry |= PTE_W | PTE_D;
    tlb_flush_page(page_down(va));
    return 0;
    /* STUB
    (void)space, (void)va;
    return NOT_MINE;
    */
    /* END SOLUTION */
}

/* The contract of this one is in space.h: the copies of lab 3 call it.  What is not yours is slot_below()'s. */
static long fault(struct space *space, uint64_t va, enum access access)
{
    /* BEGIN SOLUTION 6.2 */
    long result = access == ACCESS_WRITE ? unshare(space, va) : NOT_MINE;
    return result == NOT_MINE ? slot_below(space_fault, 6)->fault(space, va, access) : result;
    /* STUB
    (void)unshare;
    return slot_below(space_fault, 6)->fault(space, va, access);
    */
    /* END SOLUTION */
}

static const struct space_fault_ops copying = {.fault = fault};
PROVIDE(space_fault, 6, copying);

/*
 * A program has tried to write to a page that does not permit it.  No frame for it: oom_kill().
 * Returns whether the trap has been dealt with.
 */
static bool on_store_fault(struct task *task, uint64_t cause)
{
    /* BEGIN SOLUTION 6.2 */
    struct space *space = task->process->space;
    long result = space ? unshare(space, task->user.stval) : NOT_MINE;
    if (result == -ENOMEM)
        oom_kill(task, cause);
    return result != NOT_MINE;
    /* STUB
    (void)task, (void)cause;
    return false;
    */
    /* END SOLUTION */
}
TRAP_HANDLER(CAUSE_STORE_PAGE, 6, on_store_fault);
