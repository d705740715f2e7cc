/* 6.2: page by page, and whoever writes to a page that was shared gets a copy, the last one, too. */
#include "demand.h"
#include "errno.h"
#include "fork.h"
#include "frame.h"
#include "memory.h"
#include "space.h"
#include "string.h"
#include "task.h"
#include "trap.h"

int share_pages(struct space *parent, struct space *child, const struct area *area)
{
    uint64_t va = area->start;
    while ((va = space_next_page(parent, va, area->end)) < area->end) {
        const uint64_t pte = page_table->find(&parent->table, va);
        const unsigned less = pte_prot(pte) & ~(unsigned)PROT_WRITE;
        if (page_table->map(&child->table, va, pte_frame(pte), less) != 0)
            return -ENOMEM;
        frame_get(pte_frame(pte));
        page_table->protect(&parent->table, va, less);
        va += PAGE_SIZE;
    }
    return 0;
}

/* The area that a user page belongs to alone, or NULL. */
static const struct area *private_area(const struct space *space, uint64_t va)
{
    const struct area *area = va < USER_END ? area_find(&space->areas, va) : NULL;
    return area && !area->shared && (area->prot & PROT_USER) ? area : NULL;
}

static int protect(struct page_table *table, uint64_t va, unsigned prot)
{
    const struct page_table_ops *lower = slot_below(page_table, 6);
    const uint64_t pte = lower->find(table, va);
    if (pte && (prot & PROT_USER) && (prot & PROT_WRITE) &&
        private_area(space_of_table(table), va) && frame_of(pte_frame(pte))->references != 1)
        prot = (prot | PROT_READ) & ~(unsigned)PROT_WRITE;
    return lower->protect(table, va, prot);
}

static const struct page_table_ops careful = {.protect = protect};
PROVIDE(page_table, 6, careful);

/* Does this page wait for a copy? */
static bool waits(const struct space *space, uint64_t va)
{
    const struct area *area = private_area(space, va);
    if (!area || !(area->prot & PROT_WRITE))
        return false;
    const uint64_t pte = page_table->find(&space->table, page_down(va));
    return pte != 0 && !(pte_prot(pte) & PROT_WRITE);
}

static long copy(struct space *space, uint64_t va)
{
    va = page_down(va);
    const uintptr_t old = pte_frame(page_table->find(&space->table, va));
    uintptr_t frame = frame_alloc();
    if (!frame && reclaim_frames(space))
        frame = frame_alloc();
    if (!frame)
        return -ENOMEM;
    memcpy((void *)frame, (const void *)old, PAGE_SIZE);
    page_table->unmap(&space->table, va);
    const int error = page_table->map(&space->table, va, frame, area_find(&space->areas, va)->prot);
    if (error) {
        frame_put(frame);
        page_table->map(&space->table, va, old, PROT_READ | PROT_USER);
        return error;
    }
    frame_put(old);
    return 0;
}

static long fault(struct space *space, uint64_t va, enum access access)
{
    if (access == ACCESS_WRITE && waits(space, va))
        return copy(space, va);
    return slot_below(space_fault, 6)->fault(space, va, access);
}

static const struct space_fault_ops copies = {.fault = fault};
PROVIDE(space_fault, 6, copies);

static bool on_store(struct task *task, uint64_t cause)
{
    struct space *space = task->process->space;
    const uint64_t va = task->user.stval;
    if (!space || !waits(space, va))
        return false;
    if (copy(space, va) != 0)
        oom_kill(task, cause);
    return true;
}
TRAP_HANDLER(CAUSE_STORE_PAGE, 6, on_store);
