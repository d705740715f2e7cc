/*
 * space.h: address spaces: a set of areas, and the page table that the MMU goes by.
 *
 *     0x40_0000_0000  +------------------+
 *                     | trampoline       |  the same page in every space: R-X, not the program's
 *     0x3f_ffff_f000  +------------------+  TRAMPOLINE
 *                     | user context     |  RW-, not the program's
 *     0x3f_ffff_d000  +------------------+  USER_CONTEXT, USER_END
 *                     |  (one page)      |
 *     0x3f_ffff_c000  +------------------+  USER_STACK_TOP
 *                     | stack            |  RW-
 *                     +------------------+
 *                     :                  :
 *                     | program          |  R-X, R--, RW-, from 0x10000 on for ours
 *                     +------------------+
 *                  0  |  nothing         |
 *                     +------------------+
 *
 * All of it lies in the lower half of what Sv39 has, and what is at its top shares page tables with the stack. In
 * the upper half the kernel's space has the kernel's stacks (memory.h), and a program's has nothing.
 */
#ifndef SPACE_H
#define SPACE_H

#include <stdint.h>

#include "area.h"
#include "list.h"
#include "page_table.h"
#include "slot.h"

struct process;

#define TRAMPOLINE ((1UL << 38) - 4096)
#define USER_CONTEXT (TRAMPOLINE - 2 * 4096)
#define USER_END USER_CONTEXT
#define USER_STACK_TOP (USER_END - 4096)

enum { USER_STACK_SIZE = 64 << 10 };

struct space {
    struct page_table table;
    struct area_set areas;
    uint64_t heap_start;   /* where the heap begins, page aligned (lab 4, task 4.4) */
    uint64_t heap_end;     /* and where it ends, at any byte: what brk(2) moves */
    uint64_t minor_faults; /* how many faults have brought a page in (task 4.1) */
    struct list published; /* space.c's own: space_publish() */
};

/* Slot spaces: level 0 (given) has none; lab 3, task 3.4. */
struct spaces_ops {
    /*
     * Make a copy of *wanted part of the space: its links are not looked at, its bounds are page
     * aligned.  With wanted->populate every page is filled at once.  The space's area has a reference
     * of its own to wanted->file.
     * Returns 0; -EEXIST when it overlaps an area; -ENOMEM; or what fill() says of a page.  After an error all is as it
     * was.
     */
    int (*map)(struct space *space, const struct area *wanted);

    /* Take an area out of the space, drop its pages and its reference to the file, and free it. */
    void (*unmap)(struct space *space, struct area *area);

    /* Pages that lie at area->physical and belong to somebody else. */
    const struct backend *linear;

    /* Pages of zeros, of the area's own. */
    const struct backend *anonymous;
};
DECLARE_SLOT(spaces);

/*
 * Give a process a space, with the trampoline and its own context in it; it will run there from
 * now on.  Returns 0 or -ENOMEM (the process is then as it was).
 */
int space_create(struct process *process);

/* Take a process's space away with all that is in it; harmless when it has none. */
void space_destroy(struct process *process);

/*
 * Take the space off a process, which has none then, and keep it: for who is not sure yet that there will be
 * another.  It is the caller's: to give back to the same process, in whose name it was made, or to free.
 */
struct space *space_detach(struct process *process);
void space_attach(struct process *process, struct space *space);

/* Give a space back that no process has, with all that is in it.  NULL is allowed. */
void space_free(struct space *space);

/*
 * A space is complete: from now on, until it is freed, space_next() finds it, also while it is detached.  Called when a
 * task starts, or has another program.  Once more is harmless.
 */
void space_publish(struct space *space);

/* Iterates over all complete spaces: the one after this, or the first for NULL; NULL after the last. */
struct space *space_next(const struct space *space);

/* The space that a page table, not the kernel's, is part of. */
static inline struct space *space_of_table(struct page_table *table)
{
    return (struct space *)((char *)table - offsetof(struct space, table));
}

/*
 * Let an area begin or end elsewhere, page aligned: pages that it loses are dropped, pages that it gains are
 * filled if it is one to populate, else missing.  One of its bounds stays.
 * Returns 0; -EEXIST when it would overlap another area; -EFAULT when its pages come from a file and its start
 * would move; -ENOMEM.  After an error all is as it was.
 */
int space_resize(struct space *space, struct area *area, uint64_t start, uint64_t end);

/*
 * The first page of [va, end) that is mapped, or end if there is none.  Where tables are missing it is found
 * at once, however far away.  Both page aligned, and of the user half (up to USER_END).
 */
uint64_t space_next_page(const struct space *space, uint64_t va, uint64_t end);

/*
 * Copy size bytes from the kernel to an address of the space, which must lie in areas that may be written;
 * a page that is missing is asked for.  For who builds a space.
 * Returns 0, or what space_fault says of a page.
 */
int space_store(struct space *space, uint64_t va, const void *bytes, size_t size);

/* Report what is known of an address: the area it lies in, and what the page table says. */
void space_report(const struct space *space, uint64_t va);

/* The permission that an access needs: one bit of a page's PROT_…. */
enum access { ACCESS_READ = PROT_READ, ACCESS_WRITE = PROT_WRITE, ACCESS_EXECUTE = PROT_EXEC };

/*
 * Slot space_fault: what to do about a page that is missing or does not permit an access.  The copies of
 * lab 3's user_memory call it; level 0 (given) says -EFAULT.  Lab 4 fills the page.
 */
struct space_fault_ops {
    /*
     * Make va accessible in space for this access.  va: any address, from a program.
     * Returns 0 when the access can be tried again, -EFAULT or -ENOMEM when it cannot.
     */
    long (*fault)(struct space *space, uint64_t va, enum access access);
};
DECLARE_SLOT(space_fault);

#endif
