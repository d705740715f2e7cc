/*
 * panic.h: for kernel bugs only, never for what a program can cause.
 */
#ifndef PANIC_H
#define PANIC_H

#include <stdint.h>

#include "print.h"

/* Say why and by which way the kernel came here (a backtrace), and power off. */
_Noreturn void panic(const char *format, ...) PRINTF_LIKE(1, 2);

/* The same for a place that is not the caller's: its pc, and its registers (xN at N). */
_Noreturn void panic_at(uintptr_t pc, const uint64_t x[32], const char *format, ...)
    PRINTF_LIKE(3, 4);

/* End the run in an orderly way: flush the notes, report the time, power off. */
_Noreturn void power_off(void);

#define assert(condition)  \
    ((condition) ? (void)0 \
                 : panic("%s:%d: assertion failed: %s", __FILE_NAME__, __LINE__, #condition))

#endif
