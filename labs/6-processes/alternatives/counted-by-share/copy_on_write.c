/* 6.2: what is shared is counted by an object of its own. */
#include "demand.h"
#include "errno.h"
#include "fork.h"
#include "frame.h"
#include "kmalloc.h"
#include "memory.h"
#include "space.h"
#include "string.h"
#include "task.h"
#include "trap.h"

/* A page that several processes have since a fork(): how many of them.  It goes when there is one left. */
struct share {
    struct share *next;
    uintptr_t frame;
    size_t owners;
};

enum { BUCKETS = 256 };
static struct share *shares[BUCKETS];

/* Where the share of a frame hangs, or would. */
static struct share **place_of(uintptr_t frame)
{
    struct share **at = &shares[frame / PAGE_SIZE % BUCKETS];
    while (*at && (*at)->frame != frame)
        at = &(*at)->next;
    return at;
}

/* Does somebody else have the frame, by a fork() or as a page of a file? */
static bool have_others(uintptr_t frame)
{
    const struct share *share = *place_of(frame);
    return share ? share->owners > 1 : frame_of(frame)->references > 1;
}

static int one_owner_more(uintptr_t frame)
{
    struct share **at = place_of(frame);
    if (!*at) {
        struct share *share = kmalloc(sizeof(*share));
        if (!share)
            return -ENOMEM;
        *share = (struct share){.frame = frame, .owners = 1};
        *at = share;
    }
    (*at)->owners++;
    frame_get(frame);
    return 0;
}

/* Whoever gives a frame back, for whatever reason, was one of its owners. */
static void put(uintptr_t frame)
{
    struct share **at = place_of(frame), *share = *at;
    if (share && --share->owners <= 1) {
        *at = share->next;
        kfree(share);
    }
    slot_below(frames, 6)->put(frame);
}

static const struct frames_ops with_shares = {.put = put};
PROVIDE(frames, 6, with_shares);

int share_pages(struct space *parent, struct space *child, const struct area *area)
{
    int error = 0;
    for (uint64_t va = area->end; !error && va > area->start;) {
        va -= PAGE_SIZE;
        const uint64_t *entry = page_table_entry(&parent->table, va);
        if (!entry) { /* no table: nothing for 2 MiB */
            va &= ~((uint64_t)TABLE_ENTRIES * PAGE_SIZE - 1);
            continue;
        }
        if (*entry == 0)
            continue;
        const unsigned less = pte_prot(*entry) & ~(unsigned)PROT_WRITE;
        const uintptr_t frame = pte_frame(*entry);
        error = page_table->map(&child->table, va, frame, less);
        if (error)
            break;
        error = one_owner_more(frame);
        if (error)
            page_table->unmap(&child->table, va);
        else
            page_table->protect(&parent->table, va, less);
    }
    return error;
}

/* An area whose pages a process has for itself, or as if it had. */
static const struct area *own_area(const struct space *space, uint64_t va)
{
    const struct area *area = va < USER_END ? area_find(&space->areas, va) : NULL;
    return area && (area->prot & PROT_USER) && !area->shared ? area : NULL;
}

static int protect(struct page_table *table, uint64_t va, unsigned prot)
{
    const struct page_table_ops *lower = slot_below(page_table, 6);
    if ((prot & (PROT_USER | PROT_WRITE)) == (PROT_USER | PROT_WRITE)) {
        const uint64_t pte = lower->find(table, va);
        if (pte && own_area(space_of_table(table), va) && have_others(pte_frame(pte)))
            prot = (prot & ~(unsigned)PROT_WRITE) | PROT_READ;
    }
    return lower->protect(table, va, prot);
}

static const struct page_table_ops as_long_as_shared = {.protect = protect};
PROVIDE(page_table, 6, as_long_as_shared);

/* 1: the page is written to now; 0: it was no matter of ours; or -ENOMEM. */
static long separate(struct space *space, uint64_t va)
{
    const struct area *area = own_area(space, va);
    const uint64_t pte =
        area && (area->prot & PROT_WRITE) ? page_table->find(&space->table, va) : 0;
    if (pte == 0 || (pte_prot(pte) & PROT_WRITE))
        return 0;
    const uintptr_t old = pte_frame(pte);
    va = page_down(va);
    if (!have_others(old)) {
        page_table->protect(&space->table, va, area->prot);
        return 1;
    }
    uintptr_t copy = frame_take();
    if (!copy && reclaim_frames(space))
        copy = frame_take();
    if (!copy)
        return -ENOMEM;
    memcpy((void *)copy, (const void *)old, PAGE_SIZE);
    page_table->unmap(&space->table, va);
    page_table->map(&space->table, va, copy, area->prot); /* in a table that is there */
    frame_put(old);
    return 1;
}

static long fault(struct space *space, uint64_t va, enum access access)
{
    const long done = access == ACCESS_WRITE ? separate(space, va) : 0;
    if (done == 0)
        return slot_below(space_fault, 6)->fault(space, va, access);
    return done < 0 ? done : 0;
}

static const struct space_fault_ops separating = {.fault = fault};
PROVIDE(space_fault, 6, separating);

static bool on_store_to_a_share(struct task *task, uint64_t cause)
{
    struct space *space = task->process->space;
    const long done = space ? separate(space, task->user.stval) : 0;
    if (done < 0)
        oom_kill(task, cause);
    return done != 0;
}
TRAP_HANDLER(CAUSE_STORE_PAGE, 6, on_store_to_a_share);
