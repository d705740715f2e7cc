/* shortage.c: probes of what happens when frames run out (task 4.6). */
#include "errno.h"
#include "frame.h"
#include "job.h"
#include "kmalloc.h"
#include "loader.h"
#include "memory.h"
#include "probes.h"
#include "signal.h"
#include "string.h"
#include "trap.h"

#define BASE 0x50000000UL

/* Load a job's program, and start its task; NULL, and *error. */
static struct process *started(size_t index, int *error)
{
    const struct job *job = job_get(index);
    struct process *process = process_create(job->argv[0]);
    PROBE_CHECK(process, "no memory for a process");
    process->job = job;
    *error = loader->load(process, job->path, job->argv, (char *[]){NULL});
    if (!*error)
        *error = task_start(&process->task);
    if (!*error)
        return process;
    process_destroy(process);
    return NULL;
}

static bool is_clean(const struct area *area)
{
    return area->file && !(area->prot & PROT_WRITE) && !area->modified;
}

/* Touch every page of a space's areas for user mode; returns how many are clean pages of a file. */
static size_t touch_all(struct space *space)
{
    size_t clean = 0;
    const struct area *area = NULL;
    while ((area = area_next(&space->areas, area))) {
        for (uint64_t va = area->start; (area->prot & PROT_USER) && va < area->end;
             va += PAGE_SIZE) {
            enum access access = area->prot & PROT_WRITE  ? ACCESS_WRITE
                                 : area->prot & PROT_READ ? ACCESS_READ
                                                          : ACCESS_EXECUTE;
            PROBE_CHECK(space_fault->fault(space, va, access) == 0, "0x%lx cannot be touched", va);
            clean += is_clean(area);
        }
    }
    return clean;
}

/* Which pages are there: leaves of areas that are clean, and others. */
static void count(const struct space *space, size_t *clean, size_t *others)
{
    const struct area *area = NULL;
    *clean = *others = 0;
    while ((area = area_next(&space->areas, area)))
        for (uint64_t va = area->start; va < area->end; va += PAGE_SIZE)
            if (probe_leaf(&space->table, va))
                ++*(is_clean(area) ? clean : others);
}

/* reclaim_frames() and oom_kill() themselves. */
void shortage_parts(unsigned long argument)
{
    (void)argument;
    int error;
    struct process *asker = started(0, &error), *tenant = started(1, &error);
    PROBE_CHECK(asker && tenant, "two programs cannot be started: %d", error);
    /* An area without a file, that cannot be written: what it shows is nowhere else. */
    const struct area constants = {.start = BASE,
                                   .end = BASE + 4 * PAGE_SIZE,
                                   .prot = PROT_USER | PROT_READ,
                                   .backend = spaces->anonymous};
    PROBE_CHECK(spaces->map(tenant->space, &constants) == 0, "an area cannot be mapped");
    /* One with a file that could be written once, as lab 5's mprotect() leaves it. */
    struct area *area = NULL;
    while ((area = area_next(&tenant->space->areas, area)))
        if (area->file && (area->prot & PROT_WRITE))
            area->prot &= ~(unsigned)PROT_WRITE, area->modified = true;
    size_t own = touch_all(asker->space), theirs = touch_all(tenant->space);
    PROBE_CHECK(own > 0 && theirs > 100, "of `%s` %zu pages are there, of `%s` %zu", asker->name,
                own, tenant->name, theirs);
    size_t clean, others, clean_now, others_now;
    count(tenant->space, &clean, &others);
    long frames = probe_frames;
    size_t left = clean;
    bool relief;
    /* All at once, or each time some of them. */
    do {
        long in_use = probe_frames;
        relief = reclaim_frames(asker->space);
        count(tenant->space, &clean_now, &others_now);
        size_t enough = left < TABLE_LEVELS ? left : TABLE_LEVELS;
        PROBE_CHECK(in_use - probe_frames >= (long)enough,
                    "reclaim_frames() has made %ld frames free, and a page may need %d",
                    in_use - probe_frames, TABLE_LEVELS);
        PROBE_CHECK(clean_now < left, "of another's %zu pages that can be read again %zu are left",
                    clean, clean_now);
        left = clean_now;
        PROBE_CHECK(relief, "there are free frames, and reclaim_frames() says no");
    } while (left > 0);
    size_t of_asker, others_of_asker;
    count(asker->space, &of_asker, &others_of_asker);
    PROBE_CHECK(of_asker == own, "reclaim_frames() has taken pages of the space that asks for one");
    PROBE_CHECK(others_now == others,
                "of another's %zu pages that cannot be had again %zu are left", others, others_now);
    PROBE_CHECK(frames > probe_frames, "%zu pages went, and no frame came back", clean);
    /* What went comes again. */
    PROBE_CHECK(touch_all(tenant->space) == theirs, "pages that were dropped do not come again");

    for (count(tenant->space, &left, &others_now); left > 0;
         count(tenant->space, &left, &others_now))
        reclaim_frames(asker->space);
    frames = probe_frames;
    probe_refuse = 1, probe_refuse_rest = true;
    relief = reclaim_frames(asker->space);
    probe_refuse = 0, probe_refuse_rest = false;
    PROBE_CHECK(!relief,
                "nothing can be dropped, there is no frame, and reclaim_frames() says yes");
    PROBE_CHECK(probe_frames == frames, "reclaim_frames() has kept %ld frames",
                probe_frames - frames);

    tenant->task.user.stval = BASE;
    oom_kill(&tenant->task, CAUSE_LOAD_PAGE);
    PROBE_CHECK(tenant->task.dying && tenant->task.wait_status == status_killed(SIGKILL),
                "after oom_kill() the program is %s, with status 0x%x, not ended with SIGKILL",
                tenant->task.dying ? "ended" : "alive", tenant->task.wait_status);
    PROBE_CHECK(!asker->task.dying, "oom_kill() has ended another program, too");
}

/* In a sweep a program that ends after a frame was refused ends the shortage. */
static bool sweeping;

static void relax(struct task *task)
{
    (void)task;
    if (sweeping && probe_refused)
        probe_refuse = 0;
}
EXIT_HOOK(8, relax);

/*
 * All jobs, with frame n refused, and perhaps all behind it until a program has ended.  With n = 0 nothing is
 * refused, and the tables that lead to kernel stacks stay.
 */
static void sweep_once(uint64_t n, bool rest)
{
    long frames = probe_frames;
    size_t heap = kmalloc_free_bytes(), hit = 0;
    char when[60] = "with all frames";
    if (n > 0)
        snprintf(when, sizeof(when), "without frame %lu%s", n, rest ? " and those behind" : "");
    sweeping = true;
    probe_refused = 0;
    probe_refuse_rest = rest;
    probe_refuse = n;
    for (size_t i = 0; i < job_count(); i++) {
        int error;
        if (started(i, &error))
            continue;
        hit++;
        probe_refuse = 0;
        PROBE_CHECK(error == -ENOMEM, "%s job %zu was not started: %d, not -ENOMEM", when, i,
                    error);
    }
    struct task *task;
    while ((task = task_wait())) {
        int status = task->wait_status, wanted = status_exited((uint64_t)task->process->job->index);
        PROBE_CHECK(status == wanted || status == status_killed(SIGKILL),
                    "%s job %zu ended with status 0x%x: neither as always (0x%x) nor with SIGKILL",
                    when, task->process->job->index, status, wanted);
        hit += status != wanted;
        process_destroy(task->process);
    }
    probe_refuse = 0, probe_refuse_rest = sweeping = false;
    PROBE_CHECK(hit <= 1, "%s %zu programs did not come to their end", when, hit);
    PROBE_CHECK(n == 0 || probe_frames == frames, "%s: %ld frames are lost", when,
                probe_frames - frames);
    PROBE_CHECK(kmalloc_free_bytes() == heap, "%s: kernel memory is lost", when);
}

/*
 * Each allocation that the deck makes fails once: alone, and, unless the argument is 1, with all behind it.
 * Job number n exits with n.
 */
void shortage_sweep(unsigned long argument)
{
    sweep_once(0, false);
    uint64_t n = 0;
    do
        sweep_once(++n, false);
    while (probe_refused);
    uint64_t points = n - 1;
    for (n = 1; argument != 1 && n <= points; n++)
        sweep_once(n, true);
    report("probe: %lu allocations, each refused once", points);
}
