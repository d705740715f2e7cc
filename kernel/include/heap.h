/*
 * heap.h: a heap: of those that are in it, it gives the first at once, whatever order they came in.
 *
 * The nodes are part of what is kept in order; nothing is allocated.  With n in it, heap_take() looks at log n of them
 * on the average, heap_insert() at one.
 */
#ifndef HEAP_H
#define HEAP_H

#include <stdbool.h>

struct heap_node {
    struct heap_node *child, *next;
};

struct heap {
    struct heap_node *first; /* whom heap_take() would give, or NULL */

    /* Does a come before b?  It must not change its mind about two that are in the heap. */
    bool (*before)(const struct heap_node *a, const struct heap_node *b);
};

void heap_insert(struct heap *heap, struct heap_node *node);

/* Take the first one out; NULL when there is none.  Of those of whom none comes before the other, any. */
struct heap_node *heap_take(struct heap *heap);

#endif
