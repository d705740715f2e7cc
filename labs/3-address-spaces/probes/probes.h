/* probes.h: the probes of lab 3. */
#ifndef PROBES_H
#define PROBES_H

#include "probe.h"

void frames_all(unsigned long argument);
void frames_many(unsigned long argument);
void frames_shared(unsigned long argument);
void frames_random(unsigned long argument);
void frames_misuse(unsigned long argument);
void table_permissions(unsigned long argument);
void table_addresses(unsigned long argument);
void table_random(unsigned long argument);
void table_memory(unsigned long argument);
void table_flush(unsigned long argument);
void kernel_space(unsigned long argument);
void kernel_overflow(unsigned long argument);
void areas_anonymous(unsigned long argument);
void areas_linear(unsigned long argument);
void areas_overlap(unsigned long argument);
void areas_memory(unsigned long argument);
void areas_random(unsigned long argument);
void memory_random(unsigned long argument);
void memory_faults(unsigned long argument);
void programs_refused(unsigned long argument);
void figures(unsigned long argument);

#endif
