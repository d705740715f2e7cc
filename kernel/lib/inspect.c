/*
 * inspect.c: where things lie in the kernel's structs, for those who look from outside: the grader and
 * `make map` read the machine's memory while it stands still.  grader/view.py has the same list.
 */
#include <stddef.h>
#include <stdint.h>

#include "area.h"
#include "space.h"
#include "task.h"

extern const uint16_t inspect_layout[];

const uint16_t inspect_layout[] __attribute__((used)) = {
    offsetof(struct task, process),
    offsetof(struct task, stack),
    offsetof(struct task, user.user_satp),
    offsetof(struct process, pid),
    offsetof(struct process, name),
    offsetof(struct process, space),
    offsetof(struct space, areas.in_order),
    offsetof(struct area, in_order),
    offsetof(struct area, start),
    offsetof(struct area, end),
    offsetof(struct area, prot),
    offsetof(struct area, backend),
    offsetof(struct backend, name),
};
