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
    /* BEGIN SOLUTION 2.1 */
    for (size_t i = 0; i < job_count(); i++) {
        const struct job *job = job_get(i);
        struct process *process = process_create(job->argv[0]);
        if (!process) {
            job_report_failure(job, -ENOMEM);
            continue;
        }
        process->job = job;
        int error = loader->load(process, job->path, job->argv, (char *[]){NULL});
        if (!error)
            error = task_start(&process->task);
        if (error) {
            job_report_failure(job, error);
            process_destroy(process);
        }
    }

    struct task *task;
    while ((task = task_wait())) {
        job_report(task->process->job, task->process, task->ran);
        process_destroy(task->process);
    }
    /* STUB
    run_first_job();
    */
    /* END SOLUTION */
}

static const struct runner_ops multiprogramming = {.run = run_all};
PROVIDE(runner, 2, multiprogramming);
