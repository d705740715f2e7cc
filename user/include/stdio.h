/*
 * Formatted output.
 *
 * Standard output is line-buffered: a line is one write() system call, unless it is longer than
 * the buffer (256 bytes), which is then written each time it is full. exit() writes the rest.
 * If write() fails, what it should have written is dropped.
 *
 * Formats: %d %u %x (int), %ld %lu %lx (long), %s %c %p %%, each with an optional '-' (to the
 * left) or '0' (pad with zeros) and a width. No precision, and no floating point.
 */
#ifndef USER_STDIO_H
#define USER_STDIO_H

#include <stddef.h>

/* Each returns the number of bytes it produced. */
int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* To a descriptor, unbuffered by line: written when the call ends. For messages to fd 2. */
int dprintf(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Into `at`, at most `size` bytes with the final NUL. Returns the length the whole would have had,
 * so a result >= size says that it was cut.
 */
int snprintf(char *at, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

int putchar(int character);   /* returns the character */
int puts(const char *string); /* adds a newline; returns 0 */
void stdio_flush(void);       /* writes what standard output still holds */

#endif
