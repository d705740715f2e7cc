/*
 * kmalloc.h: memory for the kernel's own objects.
 *
 * It comes from a region of fixed size, apart from the programs' memory, so that what the kernel
 * allocates never changes how many frames are free.
 */
#ifndef KMALLOC_H
#define KMALLOC_H

#include <stddef.h>
#include <stdint.h>

/* size bytes, zeroed, aligned to 16; NULL when the region is used up.  Free with kfree(). */
void *kmalloc(size_t size);

/* Give back what kmalloc() returned; NULL is allowed.  Panics on any other pointer. */
void kfree(void *pointer);

/* Bytes that are free in all, and the same as counted at boot: for tests of leaks. */
size_t kmalloc_free_bytes(void);

/* Take over [start, end).  Called once at boot. */
void kmalloc_init(uintptr_t start, uintptr_t end);

#endif
