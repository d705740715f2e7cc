/*
 * probe.h: tests of the parts from inside the kernel, linked only to the kernel that these tests boot.
 *
 * A probe runs in place of the programs (bootargs probe=NAME).  It leaves in probe_result what it has
 * checked, or reports "probe: failed: …" and powers off at once.
 *
 * The grader believes a result only with QEMU's log of what ran (grader/probe_log.py): each instruction of the
 * kernel as it was linked, the probe from its first line to its last, never probe_fail(), and no trap inside of
 * a probe but those that probe_load(), probe_store() and probe_mark() make.  So a probe is a function that returns;
 * it keeps nothing between boot and its begin, for its variables are zeroed then.
 *
 * Between the parts under test and the allocator of frames stands a level of its own, which counts
 * frames and can refuse them.
 */
#ifndef PROBE_H
#define PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory.h"
#include "page_table.h"
#include "panic.h"
#include "print.h"
#include "space.h"

/* Say what is wrong, and power off. */
_Noreturn void probe_fail(const char *format, ...) PRINTF_LIKE(1, 2);

/*
 * STAND_IN(f); says that __wrap_f(), which follows, stands in for f(), a function of a task's file: all calls of f() from
 * other files go there, and __real_f() is f() itself.  The linker does it: replaced_by_probes() in grader/build.py.
 */
#define STAND_IN(name) extern __typeof(name) __real_##name, __wrap_##name

/* How many checks have been made; and 1 when the probe has come to its end.  For the grader. */
extern uint64_t probe_result[2];

/* Demand something; the rest says what is wrong otherwise. */
#define PROBE_CHECK(condition, ...) ((condition) ? probe_count() : probe_fail(__VA_ARGS__))

/*
 * Count a check.  At counts 64, 128, … 1024, and then every 1,024, probe_mark() traps once, which QEMU's log
 * shows: so the count in memory can be compared with one that no part of the kernel keeps.
 */
extern uint64_t probe_next_mark;
void probe_mark(void);
static inline void probe_count(void)
{
    if (++probe_result[0] >= probe_next_mark)
        probe_mark();
}

/*
 * Random operations.  Number n is the same whatever has been left out before it, so that the grader
 * can look for the shortest sequence that fails: it names those to run in the file /keep.
 */
enum { PROBE_OPERATIONS = 50000 };
struct operation {
    uint32_t number;
    uint64_t random[3];
};

/* The next operation, or false. */
bool probe_next(struct operation *operation);

/* In a sequence that the grader has chosen: report what this operation does. */
void probe_say(const char *format, ...) PRINTF_LIKE(1, 2);

/* Frames that have been given out and not come back, each reference counted. */
extern long probe_frames;

/* The most that there have been at a time since the probe began. */
extern long probe_frames_most;

/* How many the kernel itself had taken before the probe began. */
extern long probe_in_use;

/*
 * Refuse the n-th frame from now on, counted from 1, and all behind it if probe_refuse_rest; 0: refuse none.
 * How many have been refused so far.
 */
extern uint64_t probe_refuse, probe_refused;
extern bool probe_refuse_rest;

/* The leaf of an address, read in the tables themselves; 0 for none.  Complains about bad tables. */
uint64_t probe_leaf(const struct page_table *table, uint64_t va);

/* How many leaves a page table has in all, and how many tables, the root among them. */
size_t probe_leaves(const struct page_table *table);
size_t probe_tables(const struct page_table *table);

/* How many frames can be had now, until there are no more; all go back. */
size_t probe_count_frames(void);

/* "rwxu" with '-' for what is missing. */
const char *probe_prot(unsigned prot);

/* A place at which the grader looks at the machine. */
void probe_point(void);

/* The word at an address, which may be anything; and whether a store there is possible. */
bool probe_load(uint64_t address, uint64_t *value);
bool probe_store(uint64_t address, uint64_t value);

/* The probes of a lab, the last without a name: its labs/N-name/probes/list.c. */
struct probe {
    const char *name;
    void (*function)(
        unsigned long argument); /* the number behind the name ("frames-misuse:2"), or 0 */
    bool
        early; /* before the kernel has its own space, so that what is wrong there spoils no other test */
};
extern const struct probe probe_list[];

/* A probe for every lab with frames: run the deck, as without a probe; is everything there afterwards? */
void probe_deck(unsigned long argument);

#endif
