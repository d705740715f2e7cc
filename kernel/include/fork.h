/*
 * fork.h: slot copy_on_write, how a child comes to its parent's memory.  Lab 6, tasks 6.1 and 6.2.
 */
#ifndef FORK_H
#define FORK_H

#include "area.h"
#include "slot.h"
#include "space.h"

struct copy_on_write_ops {
    /*
     * Let child have the frames that parent has in an area which is not shared: there is an area like it in
     * child, and it has no pages yet.  From now on whoever of the two writes to a page gets a copy of it first.
     * Returns 0, or -ENOMEM: the child may have some of the pages then, and the parent still has all.
     * NULL: there is no such thing, so pages are to be copied at once.
     */
    int (*share)(struct space *parent, struct space *child, const struct area *area);
};
DECLARE_SLOT(copy_on_write);

#endif
