/* list.c: the probes of lab 4. */
#include "probes.h"

const struct probe probe_list[] = {
    {"fault-fill", fault_fill, false},
    {"fault-permissions", fault_permissions, false},
    {"fault-edges", fault_edges, false},
    {"fault-random", fault_random, false},
    {"fault-trap", fault_trap, false},
    {"lazily", lazily, false},
    {"lazy-wishes", lazy_wishes, false},
    {"lazy-large", lazy_large, false},
    {"file-content", file_content, false},
    {"file-errors", file_errors, false},
    {"peak", peak, false},
    {"stack-growth", stack_growth_rules, false},
    {"heap-random", heap_random, false},
    {"heap-memory", heap_memory, false},
    {"shortage-parts", shortage_parts, false},
    {"shortage-sweep", shortage_sweep, false},
    {"shortage-deck", probe_deck, false},
    {"advice-not-needed", advice_not_needed, false},
    {"advice-needed", advice_needed, false},
    {"figures", figures, false},
    {NULL, NULL, false},
};
