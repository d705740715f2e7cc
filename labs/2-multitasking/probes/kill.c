/*
 * kill.c: a task that ends while it waits, as kill() does it to programs in later labs (bootargs probe=kill).
 * From its third interrupt on the timer ends, one at each, every program that is called "nap" and whose first
 * argument is "killed".  Then others have their kernel stacks, on which their calls of nanosleep() were.
 */
#include "job.h"
#include "kernel_stack.h"
#include "memory.h"
#include "platform.h"
#include "signal.h"
#include "slot.h"
#include "string.h"
#include "task.h"
#include "trap.h"
#include "wait.h"

static bool on;
static int rings;

static void begin(void)
{
    char name[8];
    on = platform_option("probe", name, sizeof(name)) && strcmp(name, "kill") == 0;
}
INITCALL(9, begin);

static void take_a_stack(void)
{
    uint64_t *stack = kernel_stack_alloc();
    if (stack)
        memset(stack, 0x5a, KERNEL_STACK_SIZE);
}

static bool end_one(struct task *running, uint64_t cause)
{
    (void)running, (void)cause;
    if (!on || ++rings < 3 || rings > 9)
        return false;
    if (rings > 5)
        take_a_stack();
    for (struct task *task = task_next(NULL); task; task = task_next(task)) {
        const struct job *job = task->process->job;
        if (!job || !job->argv[1] || strcmp(job->argv[1], "killed") != 0)
            continue;
        if (task->dying || task->state != TASK_WAITING)
            continue;
        task_exit(task, status_killed(SIGKILL));
        wake_task(task);
        break;
    }
    return false;
}
TRAP_HANDLER(CAUSE_TIMER, 9, end_one);
