/*
 * pipe.c: bytes from one process to another.  See pipe(7).
 *
 * A call that writes has the pipe for itself while it copies, and so has one that reads: a page fault on the way may
 * put it to sleep.  It does not have it while it waits for room, or for bytes: so others wait for it a short time only.
 */
#include "pipe.h"

#include <stdbool.h>
#include <stddef.h>

#include "errno.h"
#include "file.h"
#include "kmalloc.h"
#include "list.h"
#include "signal.h"
#include "string.h"
#include "task.h"
#include "wait.h"

enum {
    PIPE_SIZE = 4096
}; /* a power of two; and PIPE_BUF: as many are written in one go, or wait */

struct pipe {
    struct file ends[2];                /* to read, to write */
    size_t first, count;                /* which of the bytes are in it: they go round */
    const struct task *reader, *writer; /* that are copying, or NULL */
    struct wait_queue readers, writers;
    char bytes[PIPE_SIZE];
};

static struct pipe *pipe_of(struct file *file)
{
    return (file->flags & O_ACCMODE) == O_RDONLY ? container_of(file, struct pipe, ends[0])
                                                 : container_of(file, struct pipe, ends[1]);
}

/* Copy up to size bytes between memory and the place in the ring from `at` on.  Returns nothing: all fit. */
static void ring_copy(struct pipe *pipe, size_t at, char *out, const char *in, size_t size)
{
    at %= PIPE_SIZE;
    size_t before = PIPE_SIZE - at < size ? PIPE_SIZE - at : size;
    if (out) {
        memcpy(out, pipe->bytes + at, before);
        memcpy(out + before, pipe->bytes, size - before);
    } else {
        memcpy(pipe->bytes + at, in, before);
        memcpy(pipe->bytes, in + before, size - before);
    }
}

/* Sleep until nobody else reads and there are bytes, or can be none any more.  0, -EAGAIN, -EINTR. */
static long wait_to_read(struct file *file)
{
    struct pipe *pipe = pipe_of(file);
    long error = 0;
    while (!error && (pipe->reader || (pipe->count == 0 && pipe->ends[1].references > 0))) {
        if (pipe->reader)
            wait_uninterruptible(&pipe->readers);
        else
            error = file->flags & O_NONBLOCK ? -EAGAIN : wait_on(&pipe->readers);
    }
    return error;
}

static long pipe_read(struct file *file, void *buffer, size_t size)
{
    if (!file_can_read(file))
        return -EBADF;
    struct pipe *pipe = pipe_of(file);
    long error = size > 0 ? wait_to_read(file) : 0;
    if (error)
        return error;
    size_t n = pipe->count < size ? pipe->count : size;
    ring_copy(pipe, pipe->first, buffer, NULL, n);
    if (n > 0)
        pipe->reader = current_task;
    return (long)n;
}

static void pipe_read_done(struct file *file, size_t taken)
{
    struct pipe *pipe = pipe_of(file);
    pipe->first += taken;
    pipe->count -= taken;
    pipe->reader = NULL;
    wake_all(&pipe->readers);
    wake_all(&pipe->writers);
}

/*
 * Have the pipe for writing, as soon as nobody else writes, and there is room for so many bytes or nobody to read them.
 * 0, -EAGAIN, -EINTR.
 */
static long take_turn(struct file *file, size_t needed)
{
    struct pipe *pipe = pipe_of(file);
    long error = 0;
    while (!error &&
           (pipe->writer || (PIPE_SIZE - pipe->count < needed && pipe->ends[0].references > 0))) {
        if (pipe->writer)
            wait_uninterruptible(&pipe->writers);
        else
            error = file->flags & O_NONBLOCK ? -EAGAIN : wait_on(&pipe->writers);
    }
    if (!error)
        pipe->writer = current_task;
    return error;
}

static void leave_turn(struct file *file)
{
    struct pipe *pipe = pipe_of(file);
    if (pipe->writer != current_task)
        return;
    pipe->writer = NULL;
    wake_all(&pipe->writers);
}

/* What fits is written in one go: its pieces will all have room, for nobody else writes before they have come. */
static long pipe_write_begin(struct file *file, size_t size)
{
    return take_turn(file, size <= PIPE_SIZE ? size : 0);
}

/* One piece, in pipe_write_begin() and leave_turn(). */
static long pipe_write(struct file *file, const void *buffer, size_t size)
{
    if (!file_can_write(file))
        return -EBADF;
    struct pipe *pipe = pipe_of(file);
    const char *from = buffer;
    size_t done = 0;
    while (done < size) {
        size_t room = PIPE_SIZE - pipe->count, rest = size - done;
        long error = 0;
        if (pipe->ends[0].references == 0) {
            process_signal(current_task->process, SIGPIPE);
            error = -EPIPE;
        } else if (room == 0) {
            /* While it waits, others write: more than PIPE_SIZE bytes are not written in one go. */
            leave_turn(file);
            error = take_turn(file, 1);
            if (!error)
                continue;
        }
        if (error)
            return done > 0 ? (long)done : error;
        size_t n = rest < room ? rest : room;
        ring_copy(pipe, pipe->first + pipe->count, NULL, from + done, n);
        pipe->count += n;
        done += n;
        wake_all(&pipe->readers);
    }
    return (long)done;
}

/* The others see that there is nobody any more. */
static void pipe_close(struct file *file)
{
    struct pipe *pipe = pipe_of(file);
    wake_all(&pipe->readers);
    wake_all(&pipe->writers);
    if (pipe->ends[0].references == 0 && pipe->ends[1].references == 0)
        kfree(pipe);
}

static const struct file_ops pipe_ops = {
    .read = pipe_read,
    .read_done = pipe_read_done,
    .write = pipe_write,
    .write_begin = pipe_write_begin,
    .write_end = leave_turn,
    .close = pipe_close,
    .mode = 0010600,
};

int pipe_create(unsigned flags, struct file *ends[2])
{
    struct pipe *pipe = kmalloc(sizeof(*pipe));
    if (!pipe)
        return -ENOMEM;
    list_init(&pipe->readers.tasks);
    list_init(&pipe->writers.tasks);
    for (int end = 0; end < 2; end++) {
        pipe->ends[end] = (struct file){
            .ops = &pipe_ops, .references = 1, .flags = flags | (end ? O_WRONLY : O_RDONLY)};
        ends[end] = &pipe->ends[end];
    }
    return 0;
}
