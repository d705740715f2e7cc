/* Rung's own system call 410, which Linux does not have. */
#ifndef USER_TRACE_H
#define USER_TRACE_H

#define TRACE_READ 0  /* returns the byte at address id */
#define TRACE_WRITE 1 /* writes the low byte of data to address id, returns 0 */
#define TRACE_COUNT 2 /* returns how often this task has made call number id, this one included */

/* Returns the result, or -EFAULT (the address is not the program's), -EINVAL (request, number). */
long trace(long request, unsigned long id, unsigned long data);

#endif
