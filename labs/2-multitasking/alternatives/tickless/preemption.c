/* 2.4: the slice of whoever runs ends 10 ms after its turn began; sleep.c asks for earlier times. */
#include "platform.h"
#include "riscv.h"
#include "scheduler.h"
#include "slot.h"
#include "task.h"
#include "timer.h"
#include "trap.h"

uint64_t next_sleeper(void);

static uint64_t slice_end(const struct task *task)
{
    return task->since + platform.timebase / 100;
}

/* Called at each interrupt, after the sleepers were woken or before: both are right. */
static void arm(const struct task *task)
{
    uint64_t now = time_now(), when = next_sleeper();
    if (task->state == TASK_RUNNABLE && slice_end(task) < when)
        when = slice_end(task) > now ? slice_end(task) : now + platform.timebase / 100;
    if (when < now)
        when = now + platform.timebase / 1000000;
    if (when - now > platform.timebase / 100)
        when = now + platform.timebase / 100; /* turns begin without our being told */
    timer_set(when);
}

static void start_timer(void)
{
    timer_set(time_now() + platform.timebase / 100);
    csr_set(sie, SIE_STIE);
}
INITCALL(2, start_timer);

static bool on_timer(struct task *task, uint64_t cause)
{
    (void)cause;
    arm(task);
    if (task->state == TASK_RUNNABLE && scheduler->tick(task))
        need_resched = true;
    return true;
}
TRAP_HANDLER(CAUSE_TIMER, 2, on_timer);
