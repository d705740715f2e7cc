/* job.c: the deck of jobs, and what is reported about each. */
#include "job.h"

#include "cpio.h"
#include "errno.h"
#include "kmalloc.h"
#include "panic.h"
#include "print.h"
#include "runner.h"
#include "loader.h"
#include "signal.h"
#include "string.h"
#include "task.h"
#include "timer.h"

DEFINE_SLOT(runner);

static struct job *jobs;
static size_t jobs_count;

size_t job_count(void)
{
    return jobs_count;
}

const struct job *job_get(size_t index)
{
    return index < jobs_count ? &jobs[index] : NULL;
}

/* Fill a job from a line of words.  The job keeps a copy of the words. */
static void job_set(struct job *job, size_t index, const char *line, size_t length)
{
    char *words = kmalloc(length + 1);
    assert(words);
    memcpy(words, line, length);
    job->index = index;
    size_t argc = 0, most = 1;
    for (const char *c = words; *c; c++)
        most += *c == ' ';
    job->argv = kmalloc((most + 1) * sizeof(*job->argv));
    assert(job->argv);
    for (char *word = words; *word;) {
        job->argv[argc++] = word;
        char *space = strchr(word, ' ');
        if (!space)
            break;
        *space = '\0';
        for (word = space + 1; *word == ' '; word++)
            ;
    }
    const char *name = job->argv[0];
    size_t size = sizeof("/bin/") + strlen(name);
    char *path = kmalloc(size);
    assert(path);
    snprintf(path, size, name[0] == '/' ? "%s" : "/bin/%s", name);
    job->path = path;
}

/* Call job_set(), when jobs is there, for each non-empty line; return how many there are. */
static size_t read_deck(const char *text, size_t size)
{
    size_t count = 0;
    for (size_t start = 0; start < size;) {
        size_t end = start;
        while (end < size && text[end] != '\n')
            end++;
        if (end > start) {
            if (jobs)
                job_set(&jobs[count], count, text + start, end - start);
            count++;
        }
        start = end + 1;
    }
    return count;
}

/* The same for the programs in /bin. */
static size_t read_bin(void)
{
    size_t count = 0;
    struct cpio_file file;
    for (size_t at = 0; cpio_next(at, &file); at = file.next) {
        if (file.is_directory || strncmp(file.name, "bin/", 4) != 0)
            continue;
        if (jobs)
            job_set(&jobs[count], count, file.name + 4, strlen(file.name + 4));
        count++;
    }
    return count;
}

void job_init(void)
{
    struct cpio_file deck;
    bool given = cpio_find("/jobs", &deck);
    jobs_count = given ? read_deck(deck.data, deck.size) : read_bin();
    jobs = kmalloc(jobs_count * sizeof(*jobs) + 1);
    assert(jobs);
    if (given)
        read_deck(deck.data, deck.size);
    else
        read_bin();
}

void job_report(const struct job *job, const struct process *process, uint64_t ticks)
{
    int status = process->task.wait_status;
    if ((status & 0x7f) != 0)
        report("job %zu: %s: killed by %s (%d), after %lu us", job->index, process->name,
               signal_name(status & 0x7f), status & 0x7f, ticks_to_us(ticks));
    else
        report("job %zu: %s: exited with %d, after %lu us", job->index, process->name,
               status >> 8 & 0xff, ticks_to_us(ticks));
}

void job_report_failure(const struct job *job, int error)
{
    report("job %zu: %s: not started: %s (%d)", job->index, job->path, errno_name(error),
           error < 0 ? -error : error);
}

void run_first_job(void)
{
    const struct job *job = job_get(0);
    if (!job)
        return;
    struct process *process = process_create(job->argv[0]);
    assert(process);
    int error = loader->load(process, job->path, job->argv, (char *[]){NULL});
    if (error) {
        job_report_failure(job, error);
        process_destroy(process);
        return;
    }
    uint64_t start = time_now();
    task_run(&process->task);
    job_report(job, process, time_now() - start);
    process_destroy(process);
}

static const struct runner_ops first_job_only = {.run = run_first_job};
PROVIDE(runner, 0, first_job_only);
