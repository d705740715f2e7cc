/* pipe.h: bytes from one process to another. */
#ifndef PIPE_H
#define PIPE_H

struct file;

/*
 * Make a pipe: what is written to ends[1] is read from ends[0].  flags: O_NONBLOCK or 0.
 * 0 and two references for the caller, or -ENOMEM.
 */
int pipe_create(unsigned flags, struct file *ends[2]);

#endif
