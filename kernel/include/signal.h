/*
 * signal.h: the signals a program can end with, and the wait status word (wait(2)).
 *
 * The low 7 bits of a status are the signal that ended the program, or 0; an exit code then stands
 * in bits 8 to 15.
 */
#ifndef SIGNAL_H
#define SIGNAL_H

#include <stdbool.h>
#include <stdint.h>

struct process;

enum {
    SIGHUP = 1,
    SIGINT = 2,
    SIGQUIT = 3,
    SIGILL = 4,
    SIGTRAP = 5,
    SIGABRT = 6,
    SIGBUS = 7,
    SIGFPE = 8,
    SIGKILL = 9,
    SIGUSR1 = 10,
    SIGSEGV = 11,
    SIGUSR2 = 12,
    SIGPIPE = 13,
    SIGALRM = 14,
    SIGTERM = 15,
    SIGCHLD = 17,
    SIGCONT = 18,
    SIGSTOP = 19,
    SIGTSTP = 20,
    SIGTTIN = 21,
    SIGTTOU = 22,
    SIGURG = 23,
    SIGWINCH = 28,
    SIGNALS = 65 /* every number is below this; 0 is none */
};

/* "SIGSEGV" for 11; "signal ?" for a number that is not listed. */
const char *signal_name(int signal);

/*
 * Send a process a signal that it does not ignore: what it does by default happens, which is to end it, or
 * nothing.  Nobody is stopped here, and no function of a program's is called.
 * signal: 1 to SIGNALS - 1.
 */
void process_signal(struct process *process, int signal);

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
