/*
 * trace.h: the trace ring: what the scheduler did, and when.
 *
 * The given kernel notes an event at each step of a task's life.  The last TRACE_EVENTS of them stay
 * in memory, where the grader and `make timeline` read them from outside after the run.
 */
#ifndef TRACE_H
#define TRACE_H

#include <stdint.h>

#include "task.h"
#include "timer.h"

enum trace_kind {
    TRACE_START = 1, /* a task can run from now on; value: its job, or TRACE_NO_JOB */
    TRACE_BEGIN,     /* its life begins, on its own kernel stack */
    TRACE_RUN,       /* it has the CPU */
    TRACE_WAIT,      /* it sleeps in a wait queue */
    TRACE_WAKE,      /* it is runnable again */
    TRACE_TIMER,     /* a timer interrupt hit it; value: 1 when the CPU was idle, else 0 */
    TRACE_IDLE,      /* no task can run */
    TRACE_CALL, /* it makes a system call; value: the number (only with bootargs trace=calls) */
    TRACE_END,  /* it has ended */
};

struct trace_event {
    uint64_t time; /* of the time CSR */
    uint32_t pid;  /* 0: the kernel itself */
    uint16_t kind; /* enum trace_kind */
    uint16_t value;
};

enum { TRACE_EVENTS = 16384, TRACE_NO_JOB = 0xffff };

/* Event number n lies at n % TRACE_EVENTS; count says how many there have been. */
struct trace_ring {
    uint64_t count;
    struct trace_event events[TRACE_EVENTS];
};
extern struct trace_ring trace_ring;

/* Empty the ring.  Called once at boot. */
void trace_init(void);

/* Note an event of a task.  now: time_now(), for who has it already. */
static inline void trace_event_at(uint64_t now, const struct task *task, enum trace_kind kind,
                                  uint16_t value)
{
    /* volatile: written as it stands here, for who reads it from outside */
    volatile struct trace_event *event = &trace_ring.events[trace_ring.count++ % TRACE_EVENTS];
    event->time = now;
    event->pid = (uint32_t)task->process->pid;
    event->kind = (uint16_t)kind;
    event->value = value;
}

/* Note an event of a task, now. */
static inline void trace_event(const struct task *task, enum trace_kind kind, uint16_t value)
{
    trace_event_at(time_now(), task, kind, value);
}

#endif
