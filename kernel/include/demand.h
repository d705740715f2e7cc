/*
 * demand.h: demand paging: pages that come when they are touched, and what its parts ask each other.
 *
 * All of it is lab 4's.  Until a task's file is there, the given default says no.
 */
#ifndef DEMAND_H
#define DEMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "area.h"
#include "space.h"

struct task;

/* Are pages to be there from the beginning, as in lab 3?  The populate switch: bootargs populate=1. */
extern bool populate_all;

/*
 * The backend of a program's segments, which have the content of a file.  Lab 4, task 4.3.
 *
 * For areas with a file, of which each has pages of its own: nobody else sees what is written there.
 * Returns NULL until there is one: such areas then keep the backend that they come with.
 * Context: any.
 */
const struct backend *segment_backend(void);

/* The stack may have so many bytes, and keeps such a distance from the area below it. */
enum { USER_STACK_MAX = 8 << 20, USER_STACK_GAP = 1 << 20 };

/*
 * A program has touched va, which lies below USER_END and in no area.  If the stack may grow to there,
 * let it.  Lab 4, task 4.5.
 *
 * Returns 0: va lies in an area now; -EFAULT: it is not the stack's; -ENOMEM.
 * Context: a page fault, or a copy of the kernel's to or from the program.
 */
int stack_grow(struct space *space, uint64_t va);

/*
 * Make frames free that can be done without, none of them of this space: enough for a page and the
 * tables that lead to it (TABLE_LEVELS frames), or all that there are.  Lab 4, task 4.6.
 *
 * Returns true when it is worth trying again: a frame is free.
 * Context: where a frame is missing.  Must not sleep.
 */
bool reclaim_frames(const struct space *space);

/*
 * There is no frame for what the task has touched: end it.  Lab 4, task 4.6; the given default panics.
 *
 * cause: the trap's, for the report.
 * Context: the task's page fault.
 */
void oom_kill(struct task *task, uint64_t cause);

#endif
