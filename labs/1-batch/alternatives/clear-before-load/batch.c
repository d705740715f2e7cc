/* A batch loop that clears the last program's memory before the next one is loaded. */
#include "errno.h"
#include "job.h"
#include "loader.h"
#include "print.h"
#include "runner.h"
#include "string.h"
#include "task.h"
#include "timer.h"

static struct region used;

static struct process *prepare(const struct job *job, int *error)
{
    static char *const no_environment[] = {NULL};
    struct process *process = process_create(job->path);
    if (!process) {
        *error = -ENOMEM;
        return NULL;
    }
    if (used.end > used.start)
        memset((void *)used.start, 0, used.end - used.start);
    *error = loader->load(process, job->path, job->argv, no_environment);
    if (*error == 0) {
        used = process->memory;
        return process;
    }
    process_destroy(process);
    return NULL;
}

static void run_batch(void)
{
    const struct job *job;
    for (size_t i = 0; (job = job_get(i)); i++) {
        int error;
        struct process *process = prepare(job, &error);
        if (!process) {
            klog("job %zu cannot start: %d", i, error);
            job_report_failure(job, error);
            continue;
        }
        klog("job %zu starts at 0x%lx with sp 0x%lx", i, process->task.user.sepc,
             process->task.user.x[X_SP]);
        float_clear();
        uint64_t begin = time_now();
        task_run(&process->task);
        uint64_t end = time_now();
        float_clear();
        klog("job %zu ended with status 0x%x", i, process->task.wait_status);
        job_report(job, process, end - begin);
        process_destroy(process);
    }
}

static const struct runner_ops batch = {.run = run_batch};
PROVIDE(runner, 1, batch);
