/* list.c: the probes of lab 6. */
#include "probes.h"

const struct probe probe_list[] = {
    {"fork-areas", fork_areas, false},
    {"fork-arguments", fork_arguments, false},
    {"fork-memory", fork_memory, false},
    {"copies-counted", copies_counted, false},
    {"copies-memory", copies_memory, false},
    {"copies-random", copies_random, false},
    {"exec-vectors", exec_vectors, false},
    {"exec-programs", exec_programs, false},
    {"spawn-programs", spawn_programs, false},
    {"stride-rules", stride_rules, false},
    {"families-wait", families_wait, false},
    {"stride-shares", stride_shares, false},
    {"stride-newcomers", stride_newcomers, false},
    {"stride-wraps", stride_wraps, false},
    {"figures", figures, false},
    {"families-deck", probe_deck, false},
    {NULL, NULL, false},
};
