/*
 * kernel_stack.h: where tasks have their kernel stacks.
 *
 * The given default takes them from kmalloc's region, where a stack that is too small runs into its neighbour.
 * Lab 3, task 3.3: on pages of their own, above a page that nobody can touch.
 */
#ifndef KERNEL_STACK_H
#define KERNEL_STACK_H

#include <stdint.h>

/*
 * Allocate a kernel stack.
 * Returns the lowest word of KERNEL_STACK_SIZE bytes, 16-byte aligned; NULL only when there is no memory.
 * Context: any.
 */
uint64_t *kernel_stack_alloc(void);

/*
 * Give one back; NULL is allowed.
 * Context: no task runs on it.
 */
void kernel_stack_free(uint64_t *stack);

#endif
