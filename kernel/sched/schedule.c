/*
 * schedule.c: giving the CPU away, and what serves when no lab has brought a scheduler: one task at
 * a time, which waits for its events by idling.
 */
#include "scheduler.h"

#include "panic.h"
#include "riscv.h"
#include "task.h"
#include "trap.h"

DEFINE_SLOT(scheduler);
DEFINE_SLOT(switcher);

/*
 * Wait for an interrupt and deal with it.  With sstatus.SIE clear wfi still wakes when an interrupt
 * that sie enables is pending, but no trap is taken: we ask sip what it was.
 */
static void idle(void)
{
    __asm__ volatile("wfi");
    uint64_t pending = csr_read(sip) & csr_read(sie);
    if (pending & SIE_STIE)
        trap_dispatch(current_task, CAUSE_TIMER);
    if (pending & SIE_SEIE)
        trap_dispatch(current_task, CAUSE_EXTERNAL);
}

void schedule(void)
{
    struct task *from = current_task, *to;
    while (!(to = scheduler->pick()))
        idle();
    if (to == from)
        return;
    current_task = to;
    switcher->go(from, to);
    current_task = from;
}

static void only_enqueue(struct task *task)
{
    (void)task;
}

static struct task *only_pick(void)
{
    return current_task && current_task->state == TASK_RUNNABLE ? current_task : NULL;
}

static bool only_tick(struct task *task)
{
    (void)task;
    return false;
}

static const struct scheduler_ops one_task_at_a_time = {
    .enqueue = only_enqueue,
    .dequeue = only_enqueue,
    .pick = only_pick,
    .tick = only_tick,
};
PROVIDE(scheduler, 0, one_task_at_a_time);

static void no_go(struct task *from, struct task *to)
{
    panic("no context switch is linked, to go from %s to %s", from->process->name,
          to->process->name);
}

static const struct switcher_ops no_switcher = {.go = no_go};
PROVIDE(switcher, 0, no_switcher);
