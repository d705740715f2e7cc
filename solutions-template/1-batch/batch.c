/*
 * Task 1.6: the batch loop: one job after the other, without an operator.
 */
#include "errno.h"
#include "job.h"
#include "loader.h"
#include "runner.h"
#include "string.h"
#include "task.h"
#include "timer.h"

/*
 * Run every job of the deck (job.h), in its order: make a process, load the program with the job's
 * arguments and an empty environment, run it to its end, report, and destroy the process.
 *
 * A job that cannot be loaded is reported as such (job_report_failure()), and the next one runs.
 *
 * Between two programs stands a wall.  The next one must find its bss and its stack zeroed (the
 * loader copies what is in the file, and clears nothing), and its floating-point registers too
 * (float_clear() in task.h).  Until paging comes every program is loaded to the same place:
 * process->memory, which is empty again after process_destroy().
 *
 * The report says what time the program took, from its first instruction to its end; time_now() in
 * timer.h is the clock.  Loading and clearing are not the program's time.
 */
static void run_batch(void)
{
    /* TODO(1.6) */
    run_first_job();
}

static const struct runner_ops batch = {.run = run_batch};
PROVIDE(runner, 1, batch);
