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
    /* BEGIN SOLUTION 1.6 */
    for (size_t i = 0; i < job_count(); i++) {
        const struct job *job = job_get(i);
        struct process *process = process_create(job->argv[0]);
        if (!process) {
            job_report_failure(job, -ENOMEM);
            continue;
        }
        int error = loader->load(process, job->path, job->argv, (char *[]){NULL});
        if (error) {
            job_report_failure(job, error);
            process_destroy(process);
            continue;
        }
        float_clear();

        uint64_t start = time_now();
        task_run(&process->task);
        job_report(job, process, time_now() - start);

        struct region memory = process->memory;
        memset((void *)memory.start, 0, memory.end - memory.start);
        process_destroy(process);
    }
    /* STUB
    run_first_job();
    */
    /* END SOLUTION */
}

static const struct runner_ops batch = {.run = run_batch};
PROVIDE(runner, 1, batch);
