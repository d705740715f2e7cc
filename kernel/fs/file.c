/* file.c: descriptors, and the console as a file. */
#include "file.h"

#include "console.h"
#include "errno.h"
#include "task.h"

struct file *file_get(struct task *task, uint64_t fd)
{
    /* A descriptor is an int: Linux looks at the low 32 bits of the register only. */
    uint32_t index = (uint32_t)fd;
    return index < PROCESS_FILES ? task->process->files[index] : NULL;
}

void file_put(struct file *file)
{
    if (file && --file->references == 0 && file->ops->close)
        file->ops->close(file);
}

static long console_file_read(struct file *file, void *buffer, size_t size)
{
    (void)file;
    char *bytes = buffer;
    size_t n = 0;
    for (int c; n < size && (c = console_read()) >= 0; n++)
        bytes[n] = (char)c;
    return (long)n;
}

static long console_file_write(struct file *file, const void *buffer, size_t size)
{
    (void)file;
    console_write(buffer, size);
    return (long)size;
}

static long refuse_read(struct file *file, void *buffer, size_t size)
{
    (void)file, (void)buffer, (void)size;
    return -EBADF;
}

static long refuse_write(struct file *file, const void *buffer, size_t size)
{
    (void)file, (void)buffer, (void)size;
    return -EBADF;
}

static const struct file_ops input_ops = {.read = console_file_read, .write = refuse_write};
static const struct file_ops output_ops = {.read = refuse_read, .write = console_file_write};

struct file console_input = {.ops = &input_ops, .references = 1, .flags = O_RDONLY};
struct file console_output = {.ops = &output_ops, .references = 1, .flags = O_WRONLY};
