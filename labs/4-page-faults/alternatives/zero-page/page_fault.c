/*
 * Task 4.1: a page that is missing comes when it is touched, or the program ends.
 */
#include "demand.h"
#include "errno.h"
#include "frame.h"
#include "memory.h"
#include "panic.h"
#include "signal.h"
#include "space.h"
#include "task.h"
#include "trap.h"

uintptr_t zeros; /* lazy.c knows it, too */

static void make_zeros(void)
{
    zeros = frame_alloc();
    assert(zeros);
}
INITCALL(4, make_zeros);

/* Give the page a share of the zeros, or instead of that share a frame of its own. */
static int fill(struct space *space, const struct area *area, uint64_t page, enum access access)
{
    bool shares = pte_frame(page_table->find(&space->table, page)) == zeros;
    if (!shares && access == ACCESS_READ && area->backend == spaces->anonymous) {
        int error = page_table->map(&space->table, page, zeros,
                                    (area->prot & ~(unsigned)PROT_WRITE) | PROT_READ);
        if (!error)
            frame_get(zeros);
        return error;
    }
    if (!shares)
        return area->backend->fill(space, area, page);
    uintptr_t own = frame_alloc();
    if (own == 0)
        return -ENOMEM;
    page_table->unmap(&space->table, page);
    frame_put(zeros);
    int error = page_table->map(&space->table, page, own, area->prot);
    assert(!error); /* its table is there */
    return 0;
}

/*
 * Make the page that va lies in present, for this access (ACCESS_…).  va is any address: a program's.
 *
 *     Which area?        the one that va lies in.  If there is none, the stack may grow: ask
 *                        stack_grow() (demand.h), and look again.
 *     May it?            the area says so, not the page: PROT_USER, and the bit of the access in prot.
 *                        As PROT_WRITE comes with reading (page_table.h), it is enough for that.
 *     Is it there?       Then there is nothing to do, if its entry gives the access.
 *     Fill it            with the area's backend: this one page.  Count it in space->minor_faults.
 *     No frame for it?   If reclaim_frames() (demand.h) is true, try once more.
 *
 * Returns 0: the access can be tried again; -EFAULT: it is not permitted, or nobody's address; -ENOMEM: there
 * is no frame; -EIO: it is permitted, but its content cannot be read.
 */
static int bring_in(struct space *space, uint64_t va, enum access access)
{
    if (va >= USER_END)
        return -EFAULT;
    const struct area *area = area_find(&space->areas, va);
    if (!area) {
        int error = stack_grow(space, va);
        if (error)
            return error;
        area = area_find(&space->areas, va);
    }
    unsigned enough = access == ACCESS_READ ? PROT_READ | PROT_WRITE : (unsigned)access;
    if (!area || !(area->prot & PROT_USER) || !(area->prot & enough))
        return -EFAULT;
    uint64_t pte = page_table->find(&space->table, va);
    if ((pte_prot(pte) & PROT_USER) && (pte_prot(pte) & access))
        return 0;
    if (pte && pte_frame(pte) != zeros)
        return -EFAULT;
    int error = fill(space, area, page_down(va), access);
    if (error == -ENOMEM && reclaim_frames(space))
        error = fill(space, area, page_down(va), access);
    if (!error)
        space->minor_faults++;
    return error;
}

/*
 * The contract of this one is in space.h: the copies of lab 3 call it, in the middle of a system call.  What
 * cannot be read is -EFAULT for them.
 */
static long fault(struct space *space, uint64_t va, enum access access)
{
    int error = bring_in(space, va, access);
    return error == -EIO ? -EFAULT : error;
}

static const struct space_fault_ops demand_paging = {.fault = fault};
PROVIDE(space_fault, 4, demand_paging);

/*
 * A program has touched a page that is missing, or that forbids it: cause says how, task->user.stval where.
 * When the page has been brought in, the program simply goes on: sepc still points to the
 * instruction that failed, which is tried again.
 *
 * If there is no frame for it: oom_kill().  If it cannot be read: the program ends with SIGBUS, as lab 1
 * ends programs.  If it is not permitted: that is lab 1's business, who has a handler for it.
 *
 * Returns whether the trap has been dealt with.
 */
static bool on_page_fault(struct task *task, uint64_t cause)
{
    struct space *space = task->process->space;
    enum access access = cause == CAUSE_FETCH_PAGE   ? ACCESS_EXECUTE
                         : cause == CAUSE_STORE_PAGE ? ACCESS_WRITE
                                                     : ACCESS_READ;
    if (!space)
        return false;
    switch (bring_in(space, task->user.stval, access)) {
    case 0:
        return true;
    case -ENOMEM:
        oom_kill(task, cause);
        return true;
    case -EIO:
        trap_report_fault(task, cause, SIGBUS);
        task_exit(task, status_killed(SIGBUS));
        return true;
    default:
        return false;
    }
}
TRAP_HANDLER(CAUSE_FETCH_PAGE, 4, on_page_fault);
TRAP_HANDLER(CAUSE_LOAD_PAGE, 4, on_page_fault);
TRAP_HANDLER(CAUSE_STORE_PAGE, 4, on_page_fault);
