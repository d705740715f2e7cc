/*
 * print.h: text for people (printf), for the grader (report), and for yourself (klog).
 *
 * Formats: %d %i %u %x %c %s %p %%, with l, ll or z for 64 bits, a width, 0 and - flags.  printf is
 * integer-only like the whole kernel.
 */
#ifndef PRINT_H
#define PRINT_H

#include <stdarg.h>
#include <stddef.h>

#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

/* To the console. */
void printf(const char *format, ...) PRINTF_LIKE(1, 2);

/* Into buffer, always terminated, cut to size bytes.  Returns the length it would have had. */
size_t snprintf(char *buffer, size_t size, const char *format, ...) PRINTF_LIKE(3, 4);
size_t vsnprintf(char *buffer, size_t size, const char *format, va_list args) PRINTF_LIKE(3, 0);

/*
 * One line about what the kernel did, for the console and the grader: "[rung] job 0 ended …".
 * The grader gives the line another mark (bootargs report=…), so that no program can print one.
 */
void report(const char *format, ...) PRINTF_LIKE(1, 2);

/*
 * Your own notes.  They go to a ring in memory; `make grade` shows the last of them beside a test
 * that failed, and never judges them.  `make run` shows them as they come.
 */
void klog(const char *format, ...) PRINTF_LIKE(1, 2);

/* Read bootargs (report=…).  Called once at boot, before the first report. */
void print_init(void);

/* Send what is in the klog ring to the console, as reports.  Before powering off. */
void klog_flush(void);

#endif
