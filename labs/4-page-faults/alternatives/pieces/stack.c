/*
 * Task 4.5: a stack that grows when it is used.
 */
#include "demand.h"
#include "errno.h"
#include "memory.h"
#include "space.h"

/*
 * The contract of this one is in demand.h.  The stack is the area that ends at USER_STACK_TOP.  It may begin with any
 * page from USER_STACK_TOP - USER_STACK_MAX on, but its distance to the area below stays USER_STACK_GAP or more.  It
 * never begins later than it did.
 *
 * How far a program is below what it has: one page, or a hundred, in a function with large variables.  The pages
 * in between are the stack's then too.
 */
int stack_grow(struct space *space, uint64_t va)
{
    uint64_t start = page_down(va);
    /* The lowest piece, if what comes next is a piece of the stack at all. */
    const struct area *stack = area_find_from(&space->areas, start);
    if (stack && stack->backend != spaces->anonymous)
        return -EFAULT;
    if (!stack || start >= stack->start || start < USER_STACK_TOP - USER_STACK_MAX)
        return -EFAULT;
    /* The first area from the gap on must be the stack itself. */
    if (area_find_from(&space->areas, start - USER_STACK_GAP) != stack)
        return -EFAULT;
    struct area piece = {
        .start = start, .end = stack->start, .prot = stack->prot, .backend = stack->backend};
    return spaces->map(space, &piece);
}
