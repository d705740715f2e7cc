/*
 * scarce.h: leaves the kernel without memory of its own, so that kmalloc() fails: at once, or at a later call.
 */
#ifndef SCARCE_H
#define SCARCE_H

#include <stddef.h>

/* The most bytes that can be left: what a probe needs at a time. */
enum { SCARCE_MAX = 32 << 10 };

/* Take all memory that kmalloc() has to give. */
void probe_scarce_begin(void);

/*
 * Leave one piece of so many bytes, its header included, instead of what was left before.  What was taken of that
 * must have come back.
 */
void probe_scarce_leave(size_t bytes);

/* Give all memory back. */
void probe_scarce_end(void);

#endif
