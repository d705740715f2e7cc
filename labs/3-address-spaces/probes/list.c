/* list.c: the probes of lab 3. */
#include "probes.h"

const struct probe probe_list[] = {
    {"frames-all", frames_all, true},
    {"frames-many", frames_many, true},
    {"frames-shared", frames_shared, true},
    {"frames-random", frames_random, true},
    {"frames-misuse", frames_misuse, true},
    {"table-permissions", table_permissions, true},
    {"table-addresses", table_addresses, true},
    {"table-random", table_random, true},
    {"table-memory", table_memory, true},
    {"table-flush", table_flush, true},
    {"kernel-space", kernel_space, false},
    {"kernel-overflow", kernel_overflow, false},
    {"areas-anonymous", areas_anonymous, true},
    {"areas-linear", areas_linear, true},
    {"areas-overlap", areas_overlap, true},
    {"areas-memory", areas_memory, true},
    {"areas-random", areas_random, true},
    {"memory-random", memory_random, true},
    {"memory-faults", memory_faults, true},
    {"programs", probe_deck, false},
    {"programs-refused", programs_refused, false},
    {"figures", figures, false},
    {NULL, NULL, false},
};
