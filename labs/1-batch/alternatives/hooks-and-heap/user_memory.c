/* Pieces of at most a page, through the heap; the address is compared as an offset. */
#include "user_memory.h"

#include <stdbool.h>

#include "errno.h"
#include "file.h"
#include "kmalloc.h"
#include "memory.h"
#include "signal.h"
#include "string.h"
#include "syscall.h"
#include "task.h"

/* How many bytes from address on are the program's, at most size. */
static size_t extent(const struct task *task, uint64_t address, size_t size)
{
    const struct region *memory = &task->process->memory;
    uint64_t offset = address - memory->start, length = memory->end - memory->start;
    if (offset >= length)
        return 0;
    return size < length - offset ? size : length - offset;
}

static long flat_in(struct task *task, void *dst, uint64_t src, size_t size)
{
    if (extent(task, src, size) != size)
        return -EFAULT;
    memmove(dst, (void *)src, size);
    return 0;
}

static long flat_out(struct task *task, uint64_t dst, const void *src, size_t size)
{
    if (extent(task, dst, size) != size)
        return -EFAULT;
    memmove((void *)dst, src, size);
    return 0;
}

static long flat_string(struct task *task, char *dst, uint64_t src, size_t size)
{
    size_t valid = extent(task, src, size);
    for (size_t i = 0; i < valid; i++)
        if (!(dst[i] = ((const char *)src)[i]))
            return (long)i;
    return valid < size ? -EFAULT : -ENAMETOOLONG;
}

static const struct user_memory_ops flat = {.in = flat_in, .out = flat_out, .string = flat_string};
PROVIDE(user_memory, 1, flat);

static long sys_write(struct task *task, const uint64_t args[6])
{
    uint64_t address = args[1], size = args[2];
    struct file *file = file_get(task, args[0]);
    if (!file)
        return -EBADF;
    if (extent(task, address, size) != size)
        return -EFAULT;
    size_t room = size < PAGE_SIZE ? size : PAGE_SIZE;
    char *page = kmalloc(room + 1);
    if (!page)
        return -ENOMEM;
    long result = size ? 0 : file->ops->write(file, page, 0);
    while (result >= 0 && (uint64_t)result < size) {
        size_t n = size - (uint64_t)result < room ? size - (uint64_t)result : room;
        long error = user_memory->in(task, page, address + (uint64_t)result, n);
        long written = error ? error : file->ops->write(file, page, n);
        if (written < 0) {
            result = result > 0 ? result : written;
            break;
        }
        result += written;
    }
    kfree(page);
    return result;
}
SYSCALL(SYS_WRITE, sys_write);

static long sys_exit(struct task *task, const uint64_t args[6])
{
    task_exit(task, status_exited(args[0]));
    return (long)args[0];
}
SYSCALL(SYS_EXIT, sys_exit);
