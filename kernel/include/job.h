/*
 * job.h: the deck: what the machine has been asked to run, in order.
 *
 * The file /jobs of the archive has one job a line: a program in /bin and its arguments, separated
 * by spaces.  A program elsewhere is named by its path: /disk/sbin/origin.  Without that file every program in
 * /bin is a job.
 */
#ifndef JOB_H
#define JOB_H

#include <stddef.h>
#include <stdint.h>

struct process;

struct job {
    size_t index;     /* its place in the deck, from 0 */
    const char *path; /* "/bin/power" */
    char **argv;      /* "power" and its arguments, then NULL */
};

/* How many jobs the deck has; 0 is possible. */
size_t job_count(void);

/* Job number index, counted from 0; NULL from job_count() on. */
const struct job *job_get(size_t index);

/*
 * Report that a job's program has ended: how (its wait status), and the time it took.
 *
 * ticks: the time that the program had: in lab 1 from its first instruction to its end, from lab 2 on
 * that for which it had the CPU (task->ran); of the time CSR (timer.h).
 * To call: once for each job that was loaded, when its task has ended.
 */
void job_report(const struct job *job, const struct process *process, uint64_t ticks);

/* Report that a job could not be started.  error: a negative errno. */
void job_report_failure(const struct job *job, int error);

/*
 * Run the first job of the deck to its end and report on it: what the machine does while there is no
 * batch loop.  Clears nothing.
 */
void run_first_job(void);

/* Read the deck.  Called once at boot. */
void job_init(void);

#endif
