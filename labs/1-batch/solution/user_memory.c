/*
 * Task 1.4: the first two system calls, write and exit, and the check that all others will use.
 */
#include "user_memory.h"

#include <stdbool.h>

#include "errno.h"
#include "file.h"
#include "signal.h"
#include "string.h"
#include "syscall.h"
#include "task.h"

/*
 * Is [address, address + size) inside the program's own memory?  That is task->process->memory, a
 * struct region (task.h).  Both numbers come from the program and may be anything: their sum may be
 * more than 64 bits hold.  No byte at all (size 0) is inside wherever it is.
 */
static bool is_users(const struct task *task, uint64_t address, size_t size)
{
    /* BEGIN SOLUTION 1.4 */
    struct region memory = task->process->memory;

    if (size == 0)
        return true;
    /* Subtract instead of adding: with address inside, neither side can wrap. */
    return address >= memory.start && address < memory.end && size <= memory.end - address;
    /* STUB
    (void)task, (void)address, (void)size;
    return false;
    */
    /* END SOLUTION */
}

/* The contracts of these three are in user_memory.h.  There is no paging yet: an address of the
 * program is an address of the kernel. */

static long flat_in(struct task *task, void *dst, uint64_t src, size_t size)
{
    /* BEGIN SOLUTION 1.4 */
    if (!is_users(task, src, size))
        return -EFAULT;
    memcpy(dst, (const void *)src, size);
    return 0;
    /* STUB
    (void)is_users, (void)task, (void)dst, (void)src, (void)size;
    return -EFAULT;
    */
    /* END SOLUTION */
}

static long flat_out(struct task *task, uint64_t dst, const void *src, size_t size)
{
    /* BEGIN SOLUTION 1.4 */
    if (!is_users(task, dst, size))
        return -EFAULT;
    memcpy((void *)dst, src, size);
    return 0;
    /* STUB
    (void)is_users, (void)task, (void)dst, (void)src, (void)size;
    return -EFAULT;
    */
    /* END SOLUTION */
}

static long flat_string(struct task *task, char *dst, uint64_t src, size_t size)
{
    /* BEGIN SOLUTION 1.4 */
    for (size_t i = 0; i < size; i++) {
        if (flat_in(task, &dst[i], src + i, 1) != 0)
            return -EFAULT;
        if (dst[i] == '\0')
            return (long)i;
    }
    return -ENAMETOOLONG;
    /* STUB
    (void)task, (void)dst, (void)src, (void)size;
    return -EFAULT;
    */
    /* END SOLUTION */
}

static const struct user_memory_ops flat = {.in = flat_in, .out = flat_out, .string = flat_string};
PROVIDE(user_memory, 1, flat);

/*
 * write(fd, buffer, size): args[0] to args[2].  See write(2) of the Linux manual.
 *
 * Returns how many bytes were written, -EBADF when fd is not an open file (file_get() in file.h
 * knows), or -EFAULT when the buffer is not the program's.  If only its beginning is, -EFAULT with
 * nothing printed, or some of that beginning printed and its length, are both right; but a length
 * that no buffer can have (2^63 and more, or a sum beyond 2^64) is -EFAULT with nothing printed.
 *
 * A file may take fewer bytes than it is given, and then it fails: a disk is full.  What has been
 * written counts: return how many bytes the file has taken.  Its error is the result only when it has
 * taken none.
 *
 * Never hand the program's pointer to anyone but user_memory: copy through a buffer of your own, a
 * piece at a time (the kernel's stack is 16 KiB), and give the pieces to the file's write.
 */
static long sys_write(struct task *task, const uint64_t args[6])
{
    /* BEGIN SOLUTION 1.4 */
    struct file *file = file_get(task, args[0]);
    uint64_t buffer = args[1];
    size_t size = args[2];
    char piece[512];

    if (!file)
        return -EBADF;
    /* All or nothing: a buffer that ends badly is refused before its first byte is shown. */
    if (!is_users(task, buffer, size))
        return -EFAULT;
    /* Once at least: writing nothing to a file that cannot be written is an error too. */
    size_t done = 0;
    do {
        size_t n = size - done < sizeof(piece) ? size - done : sizeof(piece);
        long error = user_memory->in(task, piece, buffer + done, n);
        if (error)
            return done > 0 ? (long)done : error;
        long written = file->ops->write(file, piece, n);
        if (written < 0)
            return done > 0 ? (long)done : written;
        done += (size_t)written;
    } while (done < size);
    return (long)done;
    /* STUB
    (void)task, (void)args;
    return -ENOSYS;
    */
    /* END SOLUTION */
}
SYSCALL(SYS_WRITE, sys_write);

/*
 * exit(code): args[0].  The program ends with this exit code; see _exit(2), and signal.h for the
 * status word.  What it returns, nobody sees.
 */
static long sys_exit(struct task *task, const uint64_t args[6])
{
    /* BEGIN SOLUTION 1.4 */
    task_exit(task, status_exited(args[0]));
    return 0;
    /* STUB
    (void)task, (void)args;
    return -ENOSYS;
    */
    /* END SOLUTION */
}
SYSCALL(SYS_EXIT, sys_exit);
