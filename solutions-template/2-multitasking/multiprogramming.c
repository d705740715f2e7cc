/*
 * Task 2.1: multiprogramming: every program of the deck in memory, and a task for each.
 */
#include "errno.h"
#include "job.h"
#include "loader.h"
#include "runner.h"
#include "task.h"

/*
 * Bring every job of the deck (job.h) into memory, in its order, and only then let any of them run;
 * report on each when it has ended, in whatever order they end.
 *
 * For each job: make a process, say in its `job` what it is for, load the program with the job's
 * arguments and an empty environment, and start its task (task_start() in task.h).  A job that
 * cannot be loaded or started is reported (job_report_failure()) and takes nothing with it: neither
 * memory nor the other jobs.
 *
 * Then task_wait() returns each task that has ended.  The time to report is the time for which the
 * program had the CPU, which the given kernel counts in task->ran.  Memory that nobody has used since
 * power-on is zero, so there is nothing to clear.
 */
static void run_all(void)
{
    /* TODO(2.1) */
    run_first_job();
}

static const struct runner_ops multiprogramming = {.run = run_all};
PROVIDE(runner, 2, multiprogramming);
