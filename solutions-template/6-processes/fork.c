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

/* TODO(6.1) */

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
    /* TODO(6.1) */
    (void)parent, (void)child;
    return -ENOMEM;
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
    /* TODO(6.1) */
    (void)task, (void)args, (void)inherit_memory;
    return -ENOSYS;
}
SYSCALL(SYS_CLONE, sys_clone);
