/* pipe.c: bytes from one process to another.  See pipe(7). */
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
    struct file ends[2]; /* to read, to write */
    size_t first, count; /* which of the bytes are in it: they go round */
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

static long pipe_read(struct file *file, void *buffer, size_t size)
{
    if (!file_can_read(file))
        return -EBADF;
    struct pipe *pipe = pipe_of(file);
    while (pipe->count == 0 && size > 0) {
        if (pipe->ends[1].references == 0)
            return 0;
        if (file->flags & O_NONBLOCK)
            return -EAGAIN;
        long error = wait_on(&pipe->readers);
        if (error)
            return error;
    }
    size_t n = pipe->count < size ? pipe->count : size;
    ring_copy(pipe, pipe->first, buffer, NULL, n);
    pipe->first += n;
    pipe->count -= n;
    wake_all(&pipe->writers);
    return (long)n;
}

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
        } else if (room == 0 || (size <= PIPE_SIZE && room < size)) {
            error = file->flags & O_NONBLOCK ? -EAGAIN : wait_on(&pipe->writers);
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
    .read = pipe_read, .write = pipe_write, .close = pipe_close, .mode = 0010600};

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
