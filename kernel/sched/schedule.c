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

bool need_resched;
unsigned idle_polls;

void scheduler_init(void)
{
    boot_task->stack[0] = SWITCH_CANARY;
    boot_task->since = time_now();
    scheduler->enqueue(boot_task);
}

/*
 * Wait for an interrupt and deal with it.  With sstatus.SIE clear wfi still wakes when an interrupt
 * that sie enables is pending, but no trap is taken: we ask sip what it was.  For some devices we do
 * nothing else (idle_polls).
 */
static void idle(void)
{
    trace_event(current_task, TRACE_IDLE, 0);
    uint64_t pending;
    do {
        if (idle_polls == 0)
            __asm__ volatile("wfi");
        pending = csr_read(sip) & csr_read(sie);
    } while (idle_polls > 0 && !pending);
    if (pending & SIE_STIE)
        trap_dispatch(current_task, CAUSE_TIMER);
    if (pending & SIE_SEIE)
        trap_dispatch(current_task, CAUSE_EXTERNAL);
}

/* Idle until somebody can run.  Apart from schedule(), which is the shorter for it. */
static __attribute__((noinline)) struct task *idle_until_pick(void)
{
    struct task *task;
    do
        idle();
    while (!(task = scheduler->pick()));
    return task;
}

/* Say which of the guards of a task that leaves off has been found broken. */
static _Noreturn __attribute__((noinline)) void guard_broken(const struct task *task)
{
    if (task->stack[0] != SWITCH_CANARY)
        panic("the canary at the end of the kernel stack of %s is gone: too much on the stack, or "
              "somebody wrote there",
              task->process->name);
    panic("the canary behind the switch context of %s is gone: a switch wrote beyond it "
          "(task 2.2)",
          task->process->name);
}

/* Say what is wrong with the place at which a switch has come out. */
static _Noreturn __attribute__((noinline)) void switch_astray(const struct task *from)
{
    const struct task *task = current_task;
    uintptr_t sp = (uintptr_t)__builtin_frame_address(0), low = (uintptr_t)task->stack;
    if (sp < low || sp > low + task->stack_size)
        panic(
            "after a switch to %s sp is 0x%lx, which is not in its kernel stack, 0x%lx-0x%lx: see "
            "context_switch (task 2.2)",
            task->process->name, sp, low, low + task->stack_size);
    panic("after a switch to %s the kernel's registers are those of another task, or of none (%p): "
          "see context_switch (task 2.2)",
          task->process->name, (const void *)from);
}

void schedule(void)
{
    struct task *from = current_task, *to;
    if (from->stack[0] != SWITCH_CANARY || from->canary != SWITCH_CANARY)
        guard_broken(from);
    uint64_t now = time_now();
    from->ran += now - from->since;
    if (!(to = scheduler->pick())) {
        to = idle_until_pick();
        now = time_now();
    }
    need_resched = false;
    if (to->state != TASK_RUNNABLE)
        panic("the scheduler picked %s, which %s: see dequeue (task 2.3)", to->process->name,
              to->state == TASK_WAITING ? "sleeps" : "has ended");
    to->since = now;
    trace_event_at(now, to, TRACE_RUN, 0);
    if (to == from)
        return;

    /* Its floating-point registers are about to be saved: in user mode they count as clean again. */
    if ((from->user.sstatus & SSTATUS_FS) == SSTATUS_FS)
        from->user.sstatus ^= SSTATUS_FS_INITIAL;

    /* Whoever switches back to `from` will have made it the current task again. */
    current_task = to;
    context_switch(&from->context, &to->context);

    /* From here on nothing can be trusted, not even what C keeps in registers. */
    const struct task *back = current_task;
    uintptr_t used = (uintptr_t)__builtin_frame_address(0) - (uintptr_t)back->stack;
    if (used > back->stack_size || from != back)
        switch_astray(from);
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

DEFAULT(context_switch, context_call);

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
