/*
 * mmap.h: memory and files made one: what the parts of lab 5 ask each other.
 *
 *     USER_END    +------------------+
 *                 | stack            |  grows down, to USER_STACK_MAX bytes at most
 *                 +------------------+
 *                 :   distance       :  USER_STACK_GAP
 *     MMAP_END    +------------------+  demand.h has both
 *                 :  mappings        :  the lowest place that is large enough
 *                 |                  |
 *     MMAP_BASE   +------------------+
 *                 :  the heap grows  :
 *                 | heap             |
 *                 +------------------+
 *                 | program          |
 *     MMAP_MIN    +------------------+
 *                 :  nothing         :
 *              0  +------------------+
 *
 * All of it is lab 5's.  Until a task's file is there, the given default says no.
 */
#ifndef MMAP_H
#define MMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "area.h"
#include "demand.h"
#include "space.h"

struct file;
struct task;

/* Of mmap(2) (include/uapi/asm-generic/mman-common.h, mman.h). */
enum {
    MAP_SHARED = 1,
    MAP_PRIVATE = 2,
    MAP_TYPE = 15, /* these bits say which of the two */
    MAP_FIXED = 0x10,
    MAP_ANONYMOUS = 0x20,
    MAP_POPULATE = 0x8000,
    MAP_FIXED_NOREPLACE = 0x100000
};

#define MMAP_MIN 0x10000UL       /* below, nothing can be mapped */
#define MMAP_BASE 0x1000000000UL /* from here on there is a place for who does not say where */
#define MMAP_END (USER_STACK_TOP - USER_STACK_MAX - USER_STACK_GAP)

/* What a program asks of mmap(), looked at. */
struct map_request {
    uint64_t
        address; /* where; without MAP_FIXED and MAP_FIXED_NOREPLACE where it would like it, or 0 */
    uint64_t length; /* bytes, whole pages, at least one */
    unsigned
        prot; /* PROT_READ, PROT_WRITE, PROT_EXEC and PROT_USER; not PROT_USER alone is PROT_NONE */
    unsigned flags;    /* MAP_… */
    struct file *file; /* NULL for MAP_ANONYMOUS; the process's reference */
    uint64_t offset;   /* in the file, page aligned */
};

/*
 * Look at the arguments of mmap(), all of which may be anything, and change nothing.  Lab 5, task 5.1.
 *
 * Returns 0, and fills *request, or the error that mmap() returns.
 * Context: a system call of the task.
 */
long mmap_check(struct task *task, const uint64_t args[6], struct map_request *request);

/*
 * Where in the space length bytes are free: at hint or as soon as possible behind it, if hint is in the
 * part for mappings; otherwise, or when there is nothing, from MMAP_BASE on.  Lab 5, task 5.1.
 *
 * hint: any number, 0 for none; length: bytes, whole pages.
 * Returns the address, or 0 when nothing is free.
 * Context: a system call of the task whose space it is.
 */
uint64_t find_unmapped_area(struct space *space, uint64_t hint, uint64_t length);

/*
 * Have nothing mapped in [start, end), page aligned, up to USER_END: areas that lie in it go, of others the
 * part that does.  Lab 5, task 5.4.
 *
 * Returns 0, or -ENOMEM when there is no memory to cut an area in two: no page is lost then.
 * Context: a system call of the task whose space it is.  May sleep, for shared pages are written back.
 */
int unmap_range(struct space *space, uint64_t start, uint64_t end);

/*
 * The backend of private mappings of a file.  Lab 5, task 5.3.
 *
 * For areas with a file and pages of their own, as a program has asked for them: what the file has behind
 * offset, as far as it goes.
 * Returns NULL until there is one: then mmap() says -ENODEV.
 * Context: any.
 */
const struct backend *private_file_backend(void);

/*
 * The backend of shared mappings: for areas with a file whose pages are the file's own.  Lab 5, task 5.5.
 *
 * Returns NULL until there is one: then mmap() says -ENODEV.
 * Context: any.
 */
const struct backend *shared_file_backend(void);

/*
 * Write to its file what has been written to the pages of [start, end), a part of an area that is shared.
 * Lab 5, task 5.5.
 *
 * Returns 0 or -EIO.
 * Context: a system call of the task whose space it is.  May sleep.
 */
int write_back_pages(struct space *space, const struct area *area, uint64_t start, uint64_t end);

#endif
