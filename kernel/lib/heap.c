/*
 * heap.c: a pairing heap: a tree in which nobody comes before who is above.  What is taken out leaves its children,
 * who are joined in pairs: on the average that takes the logarithm of how many there are.
 * Source: Fredman, Sedgewick, Sleator, Tarjan, "The Pairing Heap: A New Form of Self-Adjusting Heap", 1986.
 */
#include "heap.h"

#include <stddef.h>

/* Put two trees, each of which may be NULL, into one. */
static struct heap_node *meld(struct heap *heap, struct heap_node *a, struct heap_node *b)
{
    if (!a || !b)
        return a ? a : b;
    if (heap->before(b, a)) {
        struct heap_node *other = a;
        a = b;
        b = other;
    }
    b->next = a->child;
    a->child = b;
    return a;
}

void heap_insert(struct heap *heap, struct heap_node *node)
{
    node->child = node->next = NULL;
    heap->first = meld(heap, heap->first, node);
}

struct heap_node *heap_take(struct heap *heap)
{
    struct heap_node *first = heap->first, *pairs = NULL, *rest;
    if (!first)
        return NULL;
    /* From the left two by two; then the pairs, the last one first. */
    for (struct heap_node *a = first->child; a; a = rest) {
        struct heap_node *b = a->next;
        rest = b ? b->next : NULL;
        a->next = NULL;
        if (b)
            b->next = NULL;
        struct heap_node *pair = meld(heap, a, b);
        pair->next = pairs;
        pairs = pair;
    }
    heap->first = NULL;
    while (pairs) {
        rest = pairs->next;
        pairs->next = NULL;
        heap->first = meld(heap, heap->first, pairs);
        pairs = rest;
    }
    return first;
}
