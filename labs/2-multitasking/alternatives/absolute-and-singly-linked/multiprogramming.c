/* 2.1: two passes: load all, then start all. */
#include "errno.h"
#include "job.h"
#include "kmalloc.h"
#include "loader.h"
#include "panic.h"
#include "runner.h"
#include "task.h"

static struct process *load(const struct job *job)
{
    struct process *process = process_create(job->path + 5); /* behind "/bin/" */
    int error = process ? loader->load(process, job->path, job->argv, (char *[]){NULL}) : -ENOMEM;
    if (!error) {
        process->job = job;
        return process;
    }
    job_report_failure(job, error);
    if (process)
        process_destroy(process);
    return NULL;
}

static void run_all(void)
{
    size_t count = job_count();
    struct process **loaded = kmalloc((count + 1) * sizeof(*loaded));
    assert(loaded);
    for (size_t i = 0; i < count; i++)
        loaded[i] = load(job_get(i));
    for (size_t i = 0; i < count; i++) {
        int error = loaded[i] ? task_start(&loaded[i]->task) : 0;
        if (error) {
            job_report_failure(job_get(i), error);
            process_destroy(loaded[i]);
        }
    }
    kfree(loaded);
    for (struct task *task = task_wait(); task; task = task_wait()) {
        klog("%s had %lu ticks", task->process->name, task->ran);
        job_report(task->process->job, task->process, task->ran);
        process_destroy(task->process);
    }
}

static const struct runner_ops two_passes = {.run = run_all};
PROVIDE(runner, 2, two_passes);
