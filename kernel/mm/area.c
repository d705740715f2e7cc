/*
 * area.c: the ordered set of areas, as a treap: a search tree by address that is a heap by priorities
 * drawn at random, which keeps it as flat as a random tree is, whatever order areas come in.
 */
#include "area.h"

#include "errno.h"
#include "file.h"
#include "kmalloc.h"
#include "panic.h"

static uint32_t random_priority(void)
{
    static uint32_t state = 2463534242;
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;
    return state;
}

void area_set_init(struct area_set *set)
{
    list_init(&set->in_order);
    set->root = NULL;
    set->count = 0;
    set->full_from = set->full_to = 0;
}

/* Addresses from this one on may be free now. */
static void set_freed(struct area_set *set, uint64_t address)
{
    if (address < set->full_to)
        set->full_to = address > set->full_from ? address : set->full_from;
}

struct area *area_find_from(const struct area_set *set, uint64_t address)
{
    struct area *found = NULL;
    for (struct area *area = set->root; area;) {
        if (address < area->end) {
            found = area;
            area = area->left;
        } else {
            area = area->right;
        }
    }
    return found;
}

struct area *area_find(const struct area_set *set, uint64_t address)
{
    struct area *area = area_find_from(set, address);
    return area && address >= area->start ? area : NULL;
}

struct area *area_next(const struct area_set *set, const struct area *area)
{
    const struct list *next = area ? area->in_order.next : set->in_order.next;
    return next == &set->in_order ? NULL : container_of(next, struct area, in_order);
}

uint64_t area_find_gap(struct area_set *set, uint64_t from, uint64_t length, uint64_t end)
{
    uint64_t at = from;
    if (from >= set->full_from && from < set->full_to)
        at = set->full_to;
    else
        set->full_from = set->full_to = from;
    const struct area *next = area_find_from(set, at);
    while (next && next->start <= at) {
        at = next->end;
        next = area_next(set, next);
    }
    set->full_to = at;
    while (next && at < end && next->start - at < length) {
        at = next->end;
        next = area_next(set, next);
    }
    return at < end && end - at >= length ? at : end;
}

/* Cut a tree in two: what lies before address goes to *left, the rest to *right. */
static void split(struct area *tree, uint64_t address, struct area **left, struct area **right)
{
    while (tree) {
        if (tree->start < address) {
            *left = tree;
            left = &tree->right;
            tree = tree->right;
        } else {
            *right = tree;
            right = &tree->left;
            tree = tree->left;
        }
    }
    *left = *right = NULL;
}

/* Put two trees into one at *place; all of left lies before all of right. */
static void join(struct area *left, struct area *right, struct area **place)
{
    while (left && right) {
        if (left->priority > right->priority) {
            *place = left;
            place = &left->right;
            left = left->right;
        } else {
            *place = right;
            place = &right->left;
            right = right->left;
        }
    }
    *place = left ? left : right;
}

int area_insert(struct area_set *set, struct area *area)
{
    assert(area->start < area->end);
    struct area *next = area_find_from(set, area->start);
    if (next && next->start < area->end)
        return -EEXIST;
    list_append(next ? &next->in_order : &set->in_order, &area->in_order);
    set->count++;

    area->priority = random_priority();
    struct area **place = &set->root;
    while (*place && (*place)->priority > area->priority)
        place = area->start < (*place)->start ? &(*place)->left : &(*place)->right;
    struct area *below = *place;
    *place = area;
    split(below, area->start, &area->left, &area->right);
    return 0;
}

void area_remove(struct area_set *set, struct area *area)
{
    struct area **place = &set->root;
    while (*place != area) {
        assert(*place);
        place = area->start < (*place)->start ? &(*place)->left : &(*place)->right;
    }
    join(area->left, area->right, place);
    list_remove(&area->in_order);
    set->count--;
    set_freed(set, area->start);
}

int area_resize(struct area_set *set, struct area *area, uint64_t start, uint64_t end)
{
    assert(start < end && start < area->end && end > area->start);
    const struct area *first = area_find_from(set, start), *next = area_next(set, area);
    if (first != area || (next && next->start < end))
        return -EEXIST;
    /* It stays between its neighbours, so the order of the tree stays as it is. */
    if (start > area->start)
        set_freed(set, area->start);
    if (end < area->end)
        set_freed(set, end);
    area->start = start;
    area->end = end;
    return 0;
}

struct area *area_split(struct area_set *set, struct area *area, uint64_t at)
{
    assert(at > area->start && at < area->end);
    struct area *rest = kmalloc(sizeof(*rest));
    if (!rest)
        return NULL;
    uint64_t before = at - area->start;
    *rest = *area;
    rest->start = at;
    rest->physical += before;
    rest->offset += before;
    rest->file_size = area->file_size > before ? area->file_size - before : 0;
    if (rest->file)
        rest->file->references++;
    area->end = at;
    if (area->file_size > before)
        area->file_size = before;
    int error = area_insert(set, rest);
    assert(error == 0);
    return rest;
}
