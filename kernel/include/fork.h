/*
 * fork.h: how a child comes to its parent's memory.  Lab 6, tasks 6.1 and 6.2.
 */
#ifndef FORK_H
#define FORK_H

#include "area.h"
#include "space.h"

/*
 * Let child have the frames that parent has in an area which is not shared: there is an area like it in
 * child, and it has no pages yet.  From now on whoever of the two writes to a page gets a copy of it first.
 * Lab 6, task 6.2.
 *
 * Returns 0; -ENOMEM: the child may have some of the pages then, and the parent still has all; -ENOSYS as long
 * as there is no such thing: nothing has changed, and the caller copies the pages at once.
 * Context: a system call of the parent's.
 */
int share_pages(struct space *parent, struct space *child, const struct area *area);

#endif
