/* file.c: descriptors, and the console as a file. */
#include "file.h"

#include "console.h"
#include "errno.h"
#include "kmalloc.h"
#include "string.h"
#include "task.h"
#include "terminal.h"

struct file *file_get(struct task *task, uint64_t fd)
{
    struct file *file = file_get_any(task, fd);
    return file && !(file->flags & O_PATH) ? file : NULL;
}

struct file *file_get_any(struct task *task, uint64_t fd)
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

int directory_file_create(const struct file_ops *ops, unsigned flags, const char *path,
                          struct file **opened)
{
    struct file *file = kmalloc(sizeof(*file));
    char *own_path = kmalloc(strlen(path) + 1);
    if (!file || !own_path) {
        kfree(file);
        kfree(own_path);
        return -ENOMEM;
    }
    memcpy(own_path, path, strlen(path) + 1);
    *file = (struct file){.ops = ops, .references = 1, .flags = flags, .path = own_path};
    *opened = file;
    return 0;
}

long directory_read(struct file *file, void *buffer, size_t size)
{
    (void)file, (void)buffer, (void)size;
    return -EISDIR;
}

long directory_write(struct file *file, const void *buffer, size_t size)
{
    (void)file, (void)buffer, (void)size;
    return -EBADF;
}

void directory_close(struct file *file)
{
    kfree(file->path);
    kfree(file);
}

static long console_file_read(struct file *file, void *buffer, size_t size)
{
    (void)file;
    if (console_is_terminal)
        return terminal_read(buffer, size);
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

static const struct file_ops input_ops = {
    .read = console_file_read, .write = refuse_write, .mode = 0020620, .is_terminal = true};
static const struct file_ops output_ops = {
    .read = refuse_read, .write = console_file_write, .mode = 0020620, .is_terminal = true};

struct file console_input = {.ops = &input_ops, .references = 1, .flags = O_RDONLY};
struct file console_output = {.ops = &output_ops, .references = 1, .flags = O_WRONLY};
