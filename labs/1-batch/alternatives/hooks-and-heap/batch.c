/* A batch loop with copies of the arguments; an exit hook builds the wall. */
#include "errno.h"
#include "job.h"
#include "kmalloc.h"
#include "loader.h"
#include "print.h"
#include "runner.h"
#include "string.h"
#include "task.h"
#include "timer.h"

static void wipe(struct task *task)
{
    struct process *process = task->process;
    memset((void *)process->memory.start, 0, process->memory.end - process->memory.start);
    float_clear();
    klog("%s: \033[31m%%s %zu bytes wiped\t100%%", process->name,
         process->memory.end - process->memory.start);
}
EXIT_HOOK(1, wipe);

/* A copy of a job's arguments, in one piece; NULL without memory. */
static char **copy_arguments(char *const argv[])
{
    size_t count = 0, bytes = 0;
    for (; argv[count]; count++)
        bytes += strlen(argv[count]) + 1;
    char **copy = kmalloc((count + 1) * sizeof(*copy) + bytes);
    if (!copy)
        return NULL;
    char *text = (char *)&copy[count + 1];
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(argv[i]) + 1;
        copy[i] = memcpy(text, argv[i], size);
        text += size;
    }
    copy[count] = NULL;
    return copy;
}

static int run_one(const struct job *job)
{
    char *environment = NULL;
    char **argv = copy_arguments(job->argv);
    struct process *process = argv ? process_create(argv[0]) : NULL;
    int error = process ? loader->load(process, job->path, argv, &environment) : -ENOMEM;
    if (argv)
        memset(argv[0], 'X', strlen(argv[0])); /* the program has copies of its own */
    kfree(argv);
    if (error == 0) {
        for (int line = 0; line < 40; line++)
            klog("[rung] job %zu: %s: exited with 1, after %d us\n", job->index, job->path, line);
        float_clear();
        uint64_t ticks = -time_now();
        task_run(&process->task);
        ticks += time_now();
        job_report(job, process, ticks);
    }
    if (process)
        process_destroy(process);
    return error;
}

static void run_batch(void)
{
    size_t left = job_count();
    while (left > 0) {
        const struct job *job = job_get(job_count() - left--);
        int error = run_one(job);
        if (error)
            job_report_failure(job, error);
    }
}

static const struct runner_ops batch = {run_batch};
PROVIDE(runner, 1, batch);
