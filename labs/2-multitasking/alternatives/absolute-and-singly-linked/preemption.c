/* 2.4: slices on a grid: each is due 10 ms after the last was. */
#include "platform.h"
#include "riscv.h"
#include "scheduler.h"
#include "slot.h"
#include "timer.h"
#include "trap.h"

static uint64_t due;

static void next(void)
{
    do
        due += platform.timebase / 100;
    while (due <= time_now());
    timer_set(due);
}

static void start_timer(void)
{
    due = time_now();
    next();
    csr_set(sie, SIE_STIE);
}
INITCALL(2, start_timer);

static bool on_timer(struct task *task, uint64_t cause)
{
    (void)cause;
    next();
    need_resched |= scheduler->tick(task);
    return true;
}
TRAP_HANDLER(CAUSE_TIMER, 2, on_timer);
