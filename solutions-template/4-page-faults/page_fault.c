/*
 * Task 4.1: a page that is missing comes when it is touched, or the program ends.
 */
#include "demand.h"
#include "errno.h"
#include "memory.h"
#include "signal.h"
#include "space.h"
#include "task.h"
#include "trap.h"

/*
 * Make the page that va lies in present, for this access (ACCESS_…).  va is any address: a program's.
 *
 *     Which area?        the one that va lies in; from USER_END on all is nobody's.  If there is none, the
 *                        stack may grow: ask stack_grow() (demand.h), and look again.
 *     May it?            the area says so, not the page: PROT_USER, and the bit of the access in prot.
 *                        As PROT_WRITE comes with reading (page_table.h), it is enough for that.
 *     Is it there?       Then there is nothing to do if its entry gives the access; if not, -EFAULT, unless
 *                        your design has such pages and knows what to do.
 *     Fill it            with the area's backend: this one page.  Count it in space->minor_faults: one for
 *                        each call that has brought its page in.
 *     No frame for it?   If reclaim_frames() (demand.h) is true, try once more, and not again.
 *
 * Returns 0: the access can be tried again; -EFAULT: it is not permitted, or nobody's address; -ENOMEM:
 * there is no frame; -EIO: it is permitted, but its content cannot be read.
 */
static int bring_in(struct space *space, uint64_t va, enum access access)
{
    /* TODO(4.1) */
    (void)space, (void)va, (void)access;
    return -EFAULT;
}

/*
 * The contract of this one is in space.h: the copies of lab 3 call it, in the middle of a system call.
 * What cannot be read is -EFAULT for them.
 */
static long fault(struct space *space, uint64_t va, enum access access)
{
    int error = bring_in(space, va, access);
    return error == -EIO ? -EFAULT : error;
}

static const struct space_fault_ops demand_paging = {.fault = fault};
PROVIDE(space_fault, 4, demand_paging);

/*
 * A program has touched a page that is missing, or that forbids it: cause says how, task->user.stval
 * where.  When the page has been brought in, the program simply goes on: sepc still points to the
 * instruction that failed, which is tried again.
 *
 * If there is no frame for it: oom_kill().  If it cannot be read: report it with trap_report_fault()
 * (trap.h), and end the program with task_exit() (task.h, signal.h) and SIGBUS.  If it is not permitted:
 * lab 1's handler of any fault, which is asked next, ends the program.
 *
 * Returns whether the trap has been dealt with.
 */
static bool on_page_fault(struct task *task, uint64_t cause)
{
    /* TODO(4.1) */
    (void)task, (void)cause;
    return false;
}
TRAP_HANDLER(CAUSE_FETCH_PAGE, 4, on_page_fault);
TRAP_HANDLER(CAUSE_LOAD_PAGE, 4, on_page_fault);
TRAP_HANDLER(CAUSE_STORE_PAGE, 4, on_page_fault);
