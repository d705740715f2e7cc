/* inherit.c: what processes hand down, and keep for a new program. */
#include "errno.h"
#include "file.h"
#include "kmalloc.h"
#include "process.h"
#include "string.h"
#include "task.h"

int process_inherit(struct process *child, const struct process *parent)
{
    if (parent->directory) {
        size_t size = strlen(parent->directory) + 1;
        child->directory = kmalloc(size);
        if (!child->directory)
            return -ENOMEM;
        memcpy(child->directory, parent->directory, size);
    }
    for (size_t fd = 0; fd < PROCESS_FILES; fd++) {
        struct file *file = parent->files[fd];
        if (file == child->files[fd])
            continue;
        if (file)
            file->references++;
        file_put(child->files[fd]);
        child->files[fd] = file;
    }
    child->close_on_exec = parent->close_on_exec;
    child->ignored_signals = parent->ignored_signals;
    child->priority = parent->priority;
    child->group = parent->group;
    child->session = parent->session;
    return 0;
}

void process_renew(struct process *process, const char *path)
{
    process_close(process, process->close_on_exec);
    process->close_on_exec = 0;
    process->has_renewed = true;
    const char *name = path;
    for (const char *c = path; *c; c++)
        if (*c == '/' && c[1])
            name = c + 1;
    size_t n = 0;
    for (; name[n] && n + 1 < PROCESS_NAME; n++)
        process->name[n] = name[n];
    memset(process->name + n, 0, PROCESS_NAME - n);
}
