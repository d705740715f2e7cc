/*
 * Task 4.5: a stack that grows when it is used.
 */
#include "demand.h"
#include "errno.h"
#include "memory.h"
#include "space.h"

/*
 * The contract of this one is in demand.h.  The stack is the area that ends at USER_STACK_TOP.  It may
 * begin with any page from USER_STACK_TOP - USER_STACK_MAX on, but its distance to the area below stays
 * USER_STACK_GAP or more.  It never begins later than it did.
 *
 * How far a program is below what it has: one page, or a hundred, in a function with large variables.
 * The pages in between are the stack's then too.
 */
int stack_grow(struct space *space, uint64_t va)
{
    /* TODO(4.5) */
    (void)space, (void)va;
    return -EFAULT;
}
