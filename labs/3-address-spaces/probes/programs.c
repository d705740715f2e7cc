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
 * A file system whose only file is the first job's program, of which from page number `readable` on nothing can be
 * read.
 */
static struct cpio_file content;
static struct inode inode;
static uint64_t readable;

static int read_pages(struct inode *of, uint64_t index, const uintptr_t frames[], size_t count)
{
    (void)of;
    if (index + count > readable)
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

/* How many of the file's pages have bytes of segments, or lie before such pages. */
static uint64_t last_page(void)
{
    const struct elf_header *header = content.data;
    const struct elf_segment *segments = (const void *)((const char *)content.data + header->segments_at);
    uint64_t end = 0;
    for (size_t i = 0; i < header->segments; i++) {
        uint64_t its_end = segments[i].offset + segments[i].file_size;
        if (segments[i].type == ELF_SEGMENT_LOAD && segments[i].file_size > 0 && its_end > end)
            end = its_end;
    }
    return page_up(end) / PAGE_SIZE;
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

    /* A file that cannot be read, from its first page on, or from a later one. */
    static const struct file_system unreliable = {.name = "unreliable", .lookup = lookup};
    PROBE_CHECK(cpio_find(job->path, &content), "there is no file %s", job->path);
    mount("/unreliable", &unreliable);
    uint64_t pages = page_up(content.size) / PAGE_SIZE, least = 0;
    for (readable = 0; readable <= pages; readable++) {
        snprintf(when, sizeof(when), "of a file of which %lu of %lu pages can be read", readable,
                 pages);
        error = attempt(process, "/unreliable/program", job->argv, when);
        PROBE_CHECK(error == 0 || error == -EIO, "load() %s returned %d", when, error);
        least = error ? readable + 1 : least;
    }
    /* The last bytes that are loaded lie at the end of a segment: behind them there is only what names symbols. */
    PROBE_CHECK(error == 0 && least >= last_page(), "load() wanted %lu of %lu pages, not %lu",
                least, pages, last_page());

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
