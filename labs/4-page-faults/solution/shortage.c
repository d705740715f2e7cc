/*
 * Task 4.6: what happens when there is no frame left.
 */
#include "demand.h"
#include "frame.h"
#include "panic.h"
#include "signal.h"
#include "space.h"
#include "task.h"
#include "trap.h"

/*
 * The contract of this one is in demand.h.  What can be done without is what can be had again: pages of
 * areas with a file that cannot be written, and never could (area->modified).  Drop them, in the spaces of
 * all other tasks (task_next() in task.h): whoever needs one again touches it, and gets it from the file.  Not in this space: the
 * instruction that waits for its page needs others of its own, which would go, and come, and go.
 *
 * It is worth trying again when there is a frame now.
 */
bool reclaim_frames(const struct space *space)
{
    /* BEGIN SOLUTION 4.6 */
    for (const struct task *task = NULL; (task = task_next(task));) {
        struct space *other = task->process->space;
        if (!other || other == space)
            continue;
        const struct area *area = NULL;
        while ((area = area_next(&other->areas, area)))
            if (area->file && !(area->prot & PROT_WRITE) && !area->modified)
                area->backend->drop(other, area, area->start, area->end);
    }
    uintptr_t frame = frame_alloc();
    if (frame == 0)
        return false;
    frame_put(frame);
    return true;
    /* STUB
    (void)space;
    return false;
    */
    /* END SOLUTION */
}

/*
 * The contract of this one is in demand.h.  Linux's word for it is SIGKILL.  Report it with
 * trap_report_fault() (trap.h), and end the program with task_exit() (task.h, signal.h); all others go on.
 */
void oom_kill(struct task *task, uint64_t cause)
{
    /* BEGIN SOLUTION 4.6 */
    trap_report_fault(task, cause, SIGKILL);
    task_exit(task, status_killed(SIGKILL));
    /* STUB
    (void)cause;
    panic("%s has touched a page that there is no frame for (task 4.6)", task->process->name);
    */
    /* END SOLUTION */
}
