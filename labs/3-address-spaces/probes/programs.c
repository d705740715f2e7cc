/* programs.c: probes of what load() leaves behind (task 3.5). */
#include "cpio.h"
#include "elf.h"
#include "errno.h"
#include "frame.h"
#include "inode.h"
#include "job.h"
#include "kmalloc.h"
#include "loader.h"
#include "probes.h"
#include "scarce.h"
#include "string.h"
#include "task.h"

/*
 * A file system whose only file is the first job's program, of which one page cannot be read.
 */
static struct cpio_file content;
static struct inode inode;
static uint64_t bad_page;

static int read_pages(struct inode *of, uint64_t index, const uintptr_t frames[], size_t count)
{
    (void)of;
    if (index <= bad_page && bad_page < index + count)
        return -EIO;
    for (size_t i = 0; i < count; i++) {
        uint64_t at = (index + i) * PAGE_SIZE;
        size_t rest = at < content.size ? content.size - at : 0;
        memset((void *)frames[i], 0, PAGE_SIZE);
        memcpy((void *)frames[i], (const char *)content.data + at,
               rest < PAGE_SIZE ? rest : PAGE_SIZE);
    }
    return 0;
}

static void release(struct inode *of)
{
    (void)of;
}

static int lookup(const char *path, struct inode **found)
{
    static const struct inode_ops ops = {.read_pages = read_pages, .release = release};
    if (strcmp(path, "program") != 0)
        return -ENOENT;
    inode.ops = &ops;
    inode.type = INODE_FILE;
    inode.size = content.size;
    inode.references++;
    *found = &inode;
    return 0;
}

/*
 * Load a program in a process; when that does not work, or the program has been unloaded, all is as it was.
 * What was to be refused is not any more.  Returns what load() did.
 */
static int attempt(struct process *process, const char *path, char *const argv[], const char *when)
{
    long frames = probe_frames;
    size_t heap = kmalloc_free_bytes();
    process->task.user.sepc = process->task.user.x[X_SP] = 12345;
    int error = loader->load(process, path, argv, (char *[]){NULL});
    probe_refused = probe_refuse == 0;
    probe_refuse = 0;
    const struct region memory = process->memory;
    if (error) {
        PROBE_CHECK(!process->space && memory.start == 0 && memory.end == 0 &&
                        process->task.user.sepc == 12345 && process->task.user.x[X_SP] == 12345,
                    "after a load() %s the process is not as it was", when);
    } else {
        PROBE_CHECK(memory.start == 0 && memory.end == USER_END,
                    "after load() process->memory is 0x%lx to 0x%lx, not 0 to USER_END",
                    memory.start, memory.end);
        loader->unload(process);
        loader->unload(process);
        PROBE_CHECK(!process->space && process->memory.start == 0 && process->memory.end == 0,
                    "after unload() the process has something left");
    }
    PROBE_CHECK(probe_frames == frames, "load() %s: %ld frames are missing", when,
                probe_frames - frames);
    PROBE_CHECK(kmalloc_free_bytes() == heap, "load() %s: kernel memory is missing", when);
    return error;
}

/* Has this page of the file bytes of a segment? */
static bool is_loaded(uint64_t page)
{
    const struct elf_header *header = content.data;
    const struct elf_segment *segments =
        (const void *)((const char *)content.data + header->segments_at);
    for (size_t i = 0; i < header->segments; i++) {
        uint64_t start = segments[i].offset, end = start + segments[i].file_size;
        if (segments[i].type == ELF_SEGMENT_LOAD && start < end && page >= start / PAGE_SIZE &&
            page < page_up(end) / PAGE_SIZE)
            return true;
    }
    return false;
}

/* Load the first job's program again and again, where another frame is refused each time. */
void programs_refused(unsigned long argument)
{
    (void)argument;
    const struct job *job = job_get(0);
    char when[60];
    int error;
    struct process *process = process_create(job->argv[0]);
    PROBE_CHECK(process, "no memory for a process");
    probe_refused = 1;
    for (uint64_t n = 1; probe_refused; n++) {
        snprintf(when, sizeof(when), "without frame %lu", n);
        probe_refuse = n;
        error = attempt(process, job->path, job->argv, when);
        PROBE_CHECK(error == (probe_refused ? -ENOMEM : 0), "load() %s returned %d, not %d", when,
                    error, probe_refused ? -ENOMEM : 0);
    }

    /* With so little kernel memory; more each time, until it is enough. */
    size_t bytes = 0;
    probe_scarce_begin();
    do {
        snprintf(when, sizeof(when), "with %zu bytes of kernel memory", bytes);
        probe_scarce_leave(bytes);
        error = attempt(process, job->path, job->argv, when);
        PROBE_CHECK(error == 0 || error == -ENOMEM, "load() %s returned %d", when, error);
        bytes += 48;
    } while (error && bytes < SCARCE_MAX);
    probe_scarce_end();
    PROBE_CHECK(error == 0 && bytes > sizeof(struct space), "load() %s returned %d", when, error);

    /* A file that cannot be read, because of its first page, or of another one. */
    static const struct file_system unreliable = {.name = "unreliable", .lookup = lookup};
    PROBE_CHECK(cpio_find(job->path, &content), "there is no file %s", job->path);
    mount("/unreliable", &unreliable);
    uint64_t pages = page_up(content.size) / PAGE_SIZE, needed = 0;
    for (bad_page = 0; bad_page <= pages; bad_page++) {
        snprintf(when, sizeof(when), "of a file whose page number %lu cannot be read", bad_page);
        error = attempt(process, "/unreliable/program", job->argv, when);
        bool is_needed = bad_page == 0 || is_loaded(bad_page);
        needed += is_needed;
        PROBE_CHECK(error == -EIO || (error == 0 && !is_needed), "load() %s returned %d", when,
                    error);
    }
    PROBE_CHECK(error == 0, "load() of a file that can be read returned %d", error);
    PROBE_CHECK(needed > 6, "of the file's %lu pages %lu are needed", pages, needed);

    /* What is no program, and arguments of more than 4,096 bytes, in one piece and in many. */
    static char large[4200], *few[] = {large, NULL}, *many[600];
    memset(large, 'x', sizeof(large) - 1);
    for (size_t i = 0; i + 1 < sizeof(many) / sizeof(many[0]); i++)
        many[i] = large + sizeof(large) - 2; /* "x" */
    PROBE_CHECK(attempt(process, job->path, few, "with a long argument") == -E2BIG,
                "load() with an argument of %zu bytes does not return -E2BIG", sizeof(large));
    PROBE_CHECK(attempt(process, job->path, many, "with many arguments") == -E2BIG,
                "load() with 599 arguments does not return -E2BIG");
    PROBE_CHECK(attempt(process, "/bin/nosuch", job->argv, "of a file that is missing") == -ENOENT,
                "load() of a file that is missing does not return -ENOENT");
    process_destroy(process);
}
