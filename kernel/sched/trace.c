/* trace.c: the ring of scheduling events. */
#include "trace.h"

/* Too large to be zeroed at each boot; count says what of it is valid. */
struct trace_ring trace_ring __attribute__((section(".noinit")));

void trace_init(void)
{
    trace_ring.count = 0;
}
