/* clone.c: what C libraries ask of clone() when all they want is fork().  See clone(2). */
#include "errno.h"
#include "process.h"
#include "space.h"
#include "task.h"
#include "user_memory.h"

enum {
    CLONE_SIGNAL = 0xff, /* what the parent gets when the child ends: it need not be told here */
    CLONE_VM = 0x100,
    CLONE_VFORK = 0x4000,
    CLONE_SETTLS = 0x80000,
    CLONE_PARENT_SETTID = 0x100000,
    CLONE_CHILD_CLEARTID = 0x200000, /* for threads that wait for others to end */
    CLONE_CHILD_SETTID = 0x1000000,
};

long clone_for_libraries(struct task *parent, struct process *child, const uint64_t args[6])
{
    const uint64_t flags = args[0], known = CLONE_SIGNAL | CLONE_VM | CLONE_VFORK | CLONE_SETTLS |
                                            CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID |
                                            CLONE_CHILD_SETTID;
    /*
     * A child that has its parent's memory until it has a program of its own: a copy serves, too.  All that it could
     * not do is to leave a word: posix_spawn() of no program succeeds, and the child exits with 127.
     */
    bool is_vfork = (flags & CLONE_VM) && (flags & CLONE_VFORK);
    if ((flags & ~known) || ((flags & CLONE_VM) && !is_vfork))
        return -EINVAL;
    if (flags & CLONE_SETTLS)
        child->task.user.x[X_TP] = args[3];
    /* It has all pages that it is to have, and what follows may sleep. */
    space_publish(child->space);
    long error = 0;
    if ((flags & CLONE_CHILD_SETTID) && args[4] > USER_END - sizeof(child->pid))
        error = -EFAULT;
    else if (flags & CLONE_CHILD_SETTID)
        error = space_store(child->space, args[4], &child->pid, sizeof(child->pid));
    if (!error && (flags & CLONE_PARENT_SETTID))
        error = user_memory->out(parent, args[2], &child->pid, sizeof(child->pid));
    return error;
}
