/* trace.c: the ring of scheduling events. */
#include "trace.h"

#include "task.h"
#include "timer.h"

/* Too large to be zeroed at each boot; count says what of it is valid. */
struct trace_ring trace_ring __attribute__((section(".noinit")));

void trace_init(void)
{
    trace_ring.count = 0;
}

void trace_event(const struct task *task, enum trace_kind kind, uint16_t value)
{
    struct trace_event *event = &trace_ring.events[trace_ring.count++ % TRACE_EVENTS];
    event->time = time_now();
    event->pid = (uint32_t)task->process->pid;
    event->kind = (uint16_t)kind;
    event->value = value;
}
