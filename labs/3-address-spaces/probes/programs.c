/* programs.c: probes of what programs leave behind (task 3.5). */
#include "errno.h"
#include "job.h"
#include "kmalloc.h"
#include "loader.h"
#include "probes.h"
#include "task.h"

/* Load the first job's program again and again, where another frame is refused each time. */
void programs_refused(unsigned long argument)
{
    (void)argument;
    const struct job *job = job_get(0);
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        long frames = probe_frames;
        size_t heap = kmalloc_free_bytes();
        struct process *process = process_create(job->argv[0]);
        PROBE_CHECK(process, "no memory for a process");
        process->task.user.sepc = process->task.user.x[X_SP] = 12345;
        probe_refuse = n;
        int error = loader->load(process, job->path, job->argv, (char *[]){NULL});
        done = probe_refuse > 0;
        probe_refuse = 0;
        PROBE_CHECK(error == (done ? 0 : -ENOMEM), "load() without frame %lu returned %d, not %d",
                    n, error, done ? 0 : -ENOMEM);
        PROBE_CHECK(done || probe_frames == frames,
                    "a load() that lacked frame %lu has kept %ld others", n, probe_frames - frames);
        const struct region memory = process->memory;
        PROBE_CHECK(done ||
                        (!process->space && memory.start == 0 && memory.end == 0 &&
                         process->task.user.sepc == 12345 && process->task.user.x[X_SP] == 12345),
                    "after a load() that lacked frame %lu the process is not as it was", n);
        PROBE_CHECK(!done || (memory.start == 0 && memory.end == USER_END),
                    "after load() process->memory is 0x%lx to 0x%lx, not 0 to USER_END",
                    memory.start, memory.end);
        if (done) {
            loader->unload(process);
            loader->unload(process);
            PROBE_CHECK(!process->space && process->memory.start == 0 && process->memory.end == 0,
                        "after unload() the process has something left");
        }
        process_destroy(process);
        PROBE_CHECK(probe_frames == frames, "load() without frame %lu: %ld frames are missing", n,
                    probe_frames - frames);
        PROBE_CHECK(kmalloc_free_bytes() == heap,
                    "load() without frame %lu: kernel memory is missing", n);
    }
}
