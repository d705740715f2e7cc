/*
 * area.h: areas, the parts of an address space that are alike, and the ordered set of them.
 *
 * Given.  The set is a search tree and a list in one: finding takes time that grows with the logarithm of
 * how many there are, going to the next one none.
 */
#ifndef AREA_H
#define AREA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "list.h"

struct area;
struct file;
struct space;

/* How the pages of an area come to be, and what becomes of them. */
struct backend {
    const char *name; /* for reports */

    /*
     * Make the page at va, which lies in area and is not mapped, present: map it with the area's
     * permissions.  Returns 0, or -ENOMEM, or -EIO when its content cannot be read (nothing has changed
     * then).
     */
    int (*fill)(struct space *space, const struct area *area, uint64_t va);

    /* Unmap what is mapped of [start, end), a part of area, and give up what fill() took for it. */
    void (*drop)(struct space *space, const struct area *area, uint64_t start, uint64_t end);

    /*
     * The permissions of [start, end), a part of area, change from area->prot to prot (lab 5, task 5.6): let
     * its pages that are there have those, or fewer, if they are to fault.  NULL where each page simply
     * gets them, for which page_table->protect() is enough.
     */
    void (*protect)(struct space *space, const struct area *area, uint64_t start, uint64_t end,
                    unsigned prot);
};

/* The addresses [start, end), page aligned. */
struct area {
    uint64_t start, end;
    unsigned prot; /* PROT_… of page_table.h, PROT_USER among them for a program's */
    bool populate; /* its pages are there from the beginning (lab 4: or only when touched) */
    const struct backend *backend;

    /* Lab 5.  Of an area with a file: */
    bool shared;   /* what is written there goes to the file, and all who have it see that */
    bool modified; /* it was for writing once: its pages may hold what the file does not */

    /* linear: the physical address that start is mapped to */
    uintptr_t physical;

    /* where the content comes from: file_size bytes from offset on, zeros behind; or NULL */
    struct file *file;
    uint64_t offset, file_size;

    /* the set's own */
    struct list in_order;
    struct area *left, *right;
    uint32_t priority;
};

/* Areas that do not overlap, in the order of their addresses. */
struct area_set {
    struct list in_order;
    struct area *root;
    size_t count;
    uint64_t full_from, full_to; /* no address of [full_from, full_to) is free: area_find_gap() */
};

void area_set_init(struct area_set *set);

/* The area that address lies in, or NULL. */
struct area *area_find(const struct area_set *set, uint64_t address);

/* The first area that ends behind address: the one it lies in, or the next; or NULL. */
struct area *area_find_from(const struct area_set *set, uint64_t address);

/* The area behind this one, or the first for NULL; NULL at the end. */
struct area *area_next(const struct area_set *set, const struct area *area);

/*
 * The lowest address from `from` on with length bytes that lie in no area, up to `end`, or `end` if there are
 * none.  All page aligned, length not 0.  What it has found to be full it remembers, so asking again is no
 * search.
 */
uint64_t area_find_gap(struct area_set *set, uint64_t from, uint64_t length, uint64_t end);

/* Put an area in.  Returns 0, or -EEXIST when it overlaps one that is there. */
int area_insert(struct area_set *set, struct area *area);

/* Take an area out.  It must be in the set. */
void area_remove(struct area_set *set, struct area *area);

/*
 * Let an area have other bounds, page aligned, that still overlap the old ones.  Returns 0, or -EEXIST when it
 * would overlap another area.  It is the caller's business what becomes of pages.
 */
int area_resize(struct area_set *set, struct area *area, uint64_t start, uint64_t end);

/*
 * Cut an area in two at an address inside it: it keeps what lies before, and a new one has the rest,
 * with a reference of its own to the file.  Returns the new one, or NULL without memory (nothing has
 * changed then).
 */
struct area *area_split(struct area_set *set, struct area *area, uint64_t at);

#endif
