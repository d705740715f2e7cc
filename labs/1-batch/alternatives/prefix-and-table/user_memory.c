/* write by bytes, with the valid prefix's length as its result. */
#include "user_memory.h"

#include <stdbool.h>

#include "errno.h"
#include "file.h"
#include "signal.h"
#include "syscall.h"
#include "task.h"

static bool byte_is_users(const struct task *task, uint64_t address)
{
    return address - task->process->memory.start <
           task->process->memory.end - task->process->memory.start;
}

static long flat_in(struct task *task, void *dst, uint64_t src, size_t size)
{
    char *to = dst;
    for (size_t i = 0; i < size; i++) {
        if (!byte_is_users(task, src + i))
            return -EFAULT;
        to[i] = *(const char *)(src + i);
    }
    return 0;
}

static long flat_out(struct task *task, uint64_t dst, const void *src, size_t size)
{
    const char *from = src;
    for (size_t i = 0; i < size; i++) {
        if (!byte_is_users(task, dst + i))
            return -EFAULT;
        *(char *)(dst + i) = from[i];
    }
    return 0;
}

static long flat_string(struct task *task, char *dst, uint64_t src, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        long error = flat_in(task, dst + i, src + i, 1);
        if (error)
            return error;
        if (!dst[i])
            return (long)i;
    }
    return -ENAMETOOLONG;
}

static const struct user_memory_ops flat = {flat_in, flat_out, flat_string};
PROVIDE(user_memory, 1, flat);

static long sys_write(struct task *task, const uint64_t args[6])
{
    struct file *file = file_get(task, args[0]);
    if (!file)
        return -EBADF;
    if ((int64_t)args[2] < 0 || args[1] + args[2] < args[1])
        return -EFAULT; /* Linux looks at the range as a whole first */
    if (args[2] == 0)
        return file->ops->write(file, "", 0);
    long done = 0;
    for (; (uint64_t)done < args[2]; done++) {
        char c;
        if (user_memory->in(task, &c, args[1] + (uint64_t)done, 1) != 0)
            return done ? done : -EFAULT;
        long written = file->ops->write(file, &c, 1);
        if (written < 0)
            return done ? done : written;
    }
    return done;
}
SYSCALL(SYS_WRITE, sys_write);

static long sys_exit(struct task *task, const uint64_t args[6])
{
    task_exit(task, status_exited(args[0]));
    return -ENOSYS; /* nobody sees it */
}
SYSCALL(SYS_EXIT, sys_exit);
