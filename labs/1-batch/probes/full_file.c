/*
 * full_file.c: a file that becomes full (bootargs probe=full-file room=N).  It is descriptor 3 of every program.  It
 * takes N bytes in all, and at most PIECE with one write; then it has -ENOSPC for everything.  What it takes
 * stands on the console.
 */
#include <stdbool.h>

#include "console.h"
#include "errno.h"
#include "file.h"
#include "platform.h"
#include "slot.h"
#include "string.h"
#include "task.h"
#include "trap.h"

enum { PIECE = 100, DESCRIPTOR = 3 };

static bool probing;
static size_t room;

static long refuse_read(struct file *file, void *buffer, size_t size)
{
    (void)file, (void)buffer, (void)size;
    return -EBADF;
}

static long take(struct file *file, const void *buffer, size_t size)
{
    (void)file;
    if (room == 0 && size > 0)
        return -ENOSPC;
    size = size < PIECE ? size : (size_t)PIECE;
    size = size < room ? size : room;
    console_write(buffer, size);
    room -= size;
    return (long)size;
}

static const struct file_ops full_ops = {.read = refuse_read, .write = take};
static struct file full_file = {.ops = &full_ops, .references = 1, .flags = O_WRONLY};

/* Before each system call: nobody is asked when a process is made. */
static bool open_it(struct task *task, uint64_t cause)
{
    (void)cause;
    struct process *process = task->process;
    if (probing && !process->files[DESCRIPTOR]) {
        full_file.references++;
        process->files[DESCRIPTOR] = &full_file;
    }
    return false;
}
TRAP_HANDLER(CAUSE_USER_ECALL, 8, open_it);

static void begin(void)
{
    char text[12];
    probing = platform_option("probe", text, sizeof(text)) && strcmp(text, "full-file") == 0;
    if (platform_option("room", text, sizeof(text)))
        for (const char *c = text; *c; c++)
            room = room * 10 + (size_t)(*c - '0');
}
INITCALL(8, begin);
