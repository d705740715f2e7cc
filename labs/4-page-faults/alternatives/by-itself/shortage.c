/*
 * Task 4.6: what happens when there is no frame left.
 */
#include "demand.h"
#include "frame.h"
#include "signal.h"
#include "space.h"
#include "task.h"
#include "trap.h"

/*
 * The contract of this one is in demand.h.  What can be done without is what can be had again: pages of areas with
 * a file that cannot be written, and never could (area->modified).  Drop them, in the spaces of all other tasks (task_next() in task.h): whoever
 * needs one again touches it, and gets it from the file.  Not in this space: the instruction that waits for its page
 * needs others of its own, which would go, and come, and go.
 *
 * It is worth trying again when there is a frame now.
 */
bool reclaim_frames(const struct space *space)
{
    size_t wanted = TABLE_LEVELS;
    for (const struct task *task = NULL; (task = task_next(task));) {
        struct space *other = task->process->space;
        if (!other || other == space)
            continue;
        const struct area *area = NULL;
        while ((area = area_next(&other->areas, area))) {
            uint64_t page = area->start;
            if (!area->file || (area->prot & PROT_WRITE) || area->modified)
                continue;
            while ((page = space_next_page(other, page, area->end)) < area->end) {
                area->backend->drop(other, area, page, page + 4096);
                if (--wanted == 0)
                    return true;
            }
        }
    }
    return wanted < TABLE_LEVELS;
}

/*
 * The contract of this one is in demand.h.  Linux's word for it is SIGKILL.  Report it as lab 1 reports faults, and
 * end the program as lab 1 ends them; everybody else goes on.
 */
void oom_kill(struct task *task, uint64_t cause)
{
    trap_report_fault(task, cause, SIGKILL);
    task_exit(task, status_killed(SIGKILL));
}
