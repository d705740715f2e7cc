/*
 * kernel_stack.h: slot kernel_stacks, where tasks have their kernel stacks.
 *
 * Level 0 (given): in kmalloc's region, where a stack that is too small runs into its neighbour.  Lab 3,
 * task 3.3: on pages of their own, above a page that nobody can touch.
 */
#ifndef KERNEL_STACK_H
#define KERNEL_STACK_H

#include <stdint.h>

#include "slot.h"

struct kernel_stacks_ops {
    /* The lowest word of KERNEL_STACK_SIZE bytes, 16-byte aligned; NULL only when there is no memory. */
    uint64_t *(*alloc)(void);

    /* Give one back; NULL is allowed.  Nobody stands on it. */
    void (*free)(uint64_t *stack);
};
DECLARE_SLOT(kernel_stacks);

#endif
