/* probes.h: the probes of lab 4, and what they share. */
#ifndef PROBES_H
#define PROBES_H

#include "demand.h"
#include "probe.h"
#include "task.h"

/* A process that no loader knows, with an empty space. */
extern struct process probe_process;
void probe_new_space(void);

/* Map an area there as lab 3 does it, without any page.  prot: PROT_…. */
void probe_area(uint64_t start, uint64_t pages, unsigned prot, const struct backend *backend);

/*
 * What task 4.1 asks the others, answered here from now on: how often stack_grow(), reclaim_frames() and oom_kill() have been called,
 * and what stack_grow() and reclaim_frames() say.
 */
struct probe_asked {
    unsigned grow, relieve, end;
    uint64_t grow_at, end_cause;
    int grow_result;
    bool relieve_result;
};
extern struct probe_asked probe_asked;
void probe_answer(void);

void fault_fill(unsigned long argument);
void fault_permissions(unsigned long argument);
void fault_edges(unsigned long argument);
void fault_random(unsigned long argument);
void fault_trap(unsigned long argument);
void lazily(unsigned long argument);
void lazy_wishes(unsigned long argument);
void lazy_large(unsigned long argument);
void file_content(unsigned long argument);
void file_errors(unsigned long argument);
void peak(unsigned long argument);
void stack_growth_rules(unsigned long argument);
void heap_random(unsigned long argument);
void heap_memory(unsigned long argument);
void shortage_parts(unsigned long argument);
void shortage_sweep(unsigned long argument);
void advice_not_needed(unsigned long argument);
void advice_needed(unsigned long argument);
void figures(unsigned long argument);

#endif
