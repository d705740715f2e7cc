/*
 * figures.c: what a turn costs the scheduler, in instructions, where one takes 1 ns of guest time (QEMU's -icount
 * shift=0): for `make bench`, and for no test.
 */
#include "frame.h"
#include "probes.h"
#include "riscv.h"
#include "scheduler.h"

enum { TURNS = 20000, MANY = 1000 };
_Static_assert(sizeof(struct process) <= PAGE_SIZE, "a task fits into a page");

/* Tasks that never run, each on a page of its own.  Priorities of all sorts: with one for all it would be a circle. */
static struct task *make_task(unsigned n)
{
    struct process *process = (struct process *)frame_alloc();
    PROBE_CHECK(process, "no memory");
    process->pid = (int)(100 + n);
    process->priority = PRIORITY_MIN + n * 37 % 61;
    process->task.process = process;
    list_init(&process->task.run_node);
    return &process->task;
}

/* What it takes to say whose turn is next, among so many, all of whom can run: those of before among them. */
static uint64_t turn_among(unsigned count)
{
    static unsigned made;
    for (; made < count; made++)
        scheduler->enqueue(make_task(made));
    for (unsigned n = 0; n < count; n++)
        current_task = scheduler->pick();
    uint64_t begin = csr_read(instret);
    for (unsigned n = 0; n < TURNS; n++)
        current_task = scheduler->pick();
    return (csr_read(instret) - begin) / TURNS;
}

void figures(unsigned long argument)
{
    (void)argument;
    boot_task->state = TASK_WAITING;
    scheduler->dequeue(boot_task);
    report("probe: turn among 2: %lu", turn_among(2));
    report("probe: turn among 1000: %lu", turn_among(MANY));
    current_task = boot_task;
    boot_task->state = TASK_RUNNABLE;
}
