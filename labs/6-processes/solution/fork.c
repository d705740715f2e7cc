/*
 * Task 6.1: a program becomes two: clone(), as far as it is fork().
 */
#include "errno.h"
#include "family.h"
#include "fork.h"
#include "frame.h"
#include "memory.h"
#include "process.h"
#include "space.h"
#include "string.h"
#include "syscall.h"
#include "task.h"

/* BEGIN SOLUTION 6.1 */
/* Give child a copy of each page that parent has in an area.  0 or -ENOMEM. */
static int copy_pages(struct space *parent, struct space *child, const struct area *area)
{
    for (uint64_t va = area->start; (va = space_next_page(parent, va, area->end)) < area->end;
         va += PAGE_SIZE) {
        uint64_t pte = page_table->find(&parent->table, va);
        uintptr_t copy = frame_alloc();
        if (copy == 0)
            return -ENOMEM;
        memcpy((void *)copy, (const void *)pte_frame(pte), PAGE_SIZE);
        int error = page_table->map(&child->table, va, copy, pte_prot(pte));
        if (error) {
            frame_put(copy);
            return error;
        }
    }
    return 0;
}

/* Let child have an area like one of parent's, and what is there.  0 or -ENOMEM. */
static int inherit_area(struct space *parent, struct space *child, const struct area *area)
{
    struct area unfilled; /* as area, but that its pages do not come at once */
    if (area->populate) {
        unfilled = *area;
        unfilled.populate = false;
    }
    int error = slot_below(spaces, 4)->map(child, area->populate ? &unfilled : area);
    if (error)
        return error;
    if (area->populate)
        area_find(&child->areas, area->start)->populate = true;
    if (area->shared)
        return 0;
    error = share_pages(parent, child, area);
    return error == -ENOSYS ? copy_pages(parent, child, area) : error;
}
/* STUB
*/
/* END SOLUTION */

/*
 * Let child, which has just been made and has an empty space, have the memory that parent has.
 *
 *     Which areas?    those for user mode (PROT_USER); the others were made with the space.  A child's area
 *                     is like its parent's in all, so lab 3's map() is the one to make it, slot_below(spaces,
 *                     4)->map(): it changes nothing; without populate, which is said to the new area afterwards.
 *     Shared ones     need no more: their pages are the file's, and come when they are touched.
 *     All others      have pages of their own.  What is there of them the child has, too, from the beginning, with
 *                     the same content and permissions: by share_pages() (fork.h), or, if that is -ENOSYS, in new
 *                     frames.  What is missing stays so on both sides.
 *
 * And the heap begins and ends where the parent's does.
 * Returns 0 or -ENOMEM; after an error the caller destroys the child.
 */
static int inherit_memory(const struct process *parent, struct process *child)
{
    /* BEGIN SOLUTION 6.1 */
    const struct area *area = NULL;
    while ((area = area_next(&parent->space->areas, area))) {
        int error = area->prot & PROT_USER ? inherit_area(parent->space, child->space, area) : 0;
        if (error)
            return error;
    }
    child->space->heap_start = parent->space->heap_start;
    child->space->heap_end = parent->space->heap_end;
    return 0;
    /* STUB
    (void)parent, (void)child;
    return -ENOMEM;
    */
    /* END SOLUTION */
}

/*
 * clone(flags, stack, parent_tid, tls, child_tid): args[0] to args[4].  See clone(2), and fork(2), which C
 * libraries make of it.
 *
 * The child is a process of its own (process_create() in task.h), with a space (space_create() in space.h), its
 * parent's memory, and what process_inherit() hands down; clone_for_libraries() sees to the flags (process.h).
 * It goes on where its parent does, behind the ecall (task->called_at), with the same registers (user.x[]; what else
 * is in task->user belongs to each process's own way into the kernel) and floating-point registers (float_keep()),
 * but for two: a0 says which of the two it is, the child's is 0; and sp is `stack` if that is not 0.  All of them are
 * set before clone_for_libraries(), which may give the child another tp.
 *
 * When all of this is there it is started (task_start()), and gets its parent (process_set_parent() in family.h).
 *
 * Returns the child's pid to the parent; -ENOMEM; or what clone_for_libraries() says.  After an error nothing has
 * changed, and nothing is lost.
 */
static long sys_clone(struct task *task, const uint64_t args[6])
{
    /* BEGIN SOLUTION 6.1 */
    struct process *parent = task->process, *child = process_create(parent->name);
    if (!child)
        return -ENOMEM;
    long error = space_create(child);
    if (!error)
        error = inherit_memory(parent, child);
    if (!error)
        error = process_inherit(child, parent);
    struct user_context *user = &child->task.user;
    memcpy(user->x, task->user.x, sizeof(user->x));
    user->sepc = task->called_at + 4;
    user->x[X_A0] = 0;
    if (args[1])
        user->x[X_SP] = args[1];
    float_keep(&child->task.context);
    if (!error)
        error = clone_for_libraries(task, child, args);
    if (!error)
        error = task_start(&child->task);
    if (error) {
        process_destroy(child);
        return error;
    }
    process_set_parent(parent, child);
    return child->pid;
    /* STUB
    (void)task, (void)args, (void)inherit_memory;
    return -ENOSYS;
    */
    /* END SOLUTION */
}
SYSCALL(SYS_CLONE, sys_clone);
