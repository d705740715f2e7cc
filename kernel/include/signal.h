/*
 * signal.h: the signals a program can end with, and the wait status word (wait(2)).
 *
 * The low 7 bits of a status are the signal that ended the program, or 0; an exit code then stands
 * in bits 8 to 15.
 */
#ifndef SIGNAL_H
#define SIGNAL_H

#include <stdint.h>

enum { SIGILL = 4, SIGTRAP = 5, SIGBUS = 7, SIGKILL = 9, SIGSEGV = 11 };

/* "SIGSEGV" for 11; "signal ?" for a number that is not listed. */
const char *signal_name(int signal);

/* The status word of a program that called exit(code): only the code's low 8 bits count. */
static inline int status_exited(uint64_t code)
{
    return (int)(code & 0xff) << 8;
}

/* The status word of a program that a signal ended. */
static inline int status_killed(int signal)
{
    return signal & 0x7f;
}

#endif
