/*
 * schedule.c: giving the CPU away, and what serves when no lab has brought a scheduler: one task
 * after the other.
 */
#include "scheduler.h"

#include "panic.h"
#include "riscv.h"
#include "switch.h"
#include "task.h"
#include "timer.h"
#include "trace.h"
#include "trap.h"

DEFINE_SLOT(scheduler);
DEFINE_SLOT(switcher);

bool need_resched;

void scheduler_init(void)
{
    current_task = boot_task;
    boot_task->stack[0] = SWITCH_CANARY;
    boot_task->since = time_now();
    scheduler->enqueue(boot_task);
}

/*
 * Wait for an interrupt and deal with it.  With sstatus.SIE clear wfi still wakes when an interrupt
 * that sie enables is pending, but no trap is taken: we ask sip what it was.
 */
static void idle(void)
{
    trace_event(current_task, TRACE_IDLE, 0);
    __asm__ volatile("wfi");
    uint64_t pending = csr_read(sip) & csr_read(sie);
    if (pending & SIE_STIE)
        trap_dispatch(current_task, CAUSE_TIMER);
    if (pending & SIE_SEIE)
        trap_dispatch(current_task, CAUSE_EXTERNAL);
}

/* Panic when a task's stack is not what it should be.  when: for the message. */
static void check_stack(const struct task *task, const char *when)
{
    const char *name = task->process->name;
    if (task->stack[0] != SWITCH_CANARY)
        panic("%s: the canary at the end of the kernel stack of %s is gone: too much on the stack, "
              "or somebody wrote there",
              when, name);
    if (task->canary != SWITCH_CANARY)
        panic("%s: the canary behind the switch context of %s is gone: the switch wrote beyond it",
              when, name);
    uintptr_t sp = (uintptr_t)__builtin_frame_address(0), low = (uintptr_t)task->stack;
    if (sp < low || sp > low + task->stack_size)
        panic("%s: sp 0x%lx is not in the kernel stack of %s, 0x%lx-0x%lx", when, sp, name, low,
              low + task->stack_size);
}

/* The switch itself.  Whoever switches back to `from` has made it the current task again. */
static void switch_to(struct task *from, struct task *to)
{
    current_task = to;
    switcher->go(&from->context, &to->context);

    /* From here on nothing can be trusted, not even what C keeps in registers. */
    check_stack(current_task, "after a switch");
    if (from != current_task)
        panic("after a switch to %s the kernel's registers are those of another task",
              current_task->process->name);
}

void schedule(void)
{
    struct task *from = current_task, *to;
    check_stack(from, "before a switch");
    uint64_t now = time_now();
    from->ran += now - from->since;
    while (!(to = scheduler->pick()))
        idle();
    need_resched = false;
    if (to->state != TASK_RUNNABLE)
        panic("the scheduler picked %s, which %s", to->process->name,
              to->state == TASK_WAITING ? "sleeps" : "has ended");
    to->since = time_now();
    trace_event(to, TRACE_RUN, 0);
    if (to != from)
        switch_to(from, to);
}

/*
 * Without a context switch a task's life is an ordinary call.  ra serves as the mark of a task that
 * has not begun.
 */
void context_call(struct switch_context *from, struct switch_context *to)
{
    struct task *before = container_of(from, struct task, context);
    struct task *task = container_of(to, struct task, context);
    if (to->ra != (uintptr_t)task_begin)
        panic("to go on where somebody left off, a context switch is needed (lab 2, task 2.2)");
    to->ra = 0;
    float_clear();
    task_run(task);
    task->ran += time_now() - task->since;
    task_end(task);
    current_task = before;
    before->since = time_now();
}

static const struct switcher_ops one_in_the_other = {.go = context_call};
PROVIDE(switcher, 0, one_in_the_other);

static void keep_no_queue(struct task *task)
{
    (void)task;
}

static bool never_over(struct task *task)
{
    (void)task;
    return false;
}

static const struct scheduler_ops one_after_the_other = {
    .enqueue = keep_no_queue,
    .dequeue = keep_no_queue,
    .pick = first_runnable,
    .tick = never_over,
};
PROVIDE(scheduler, 0, one_after_the_other);
