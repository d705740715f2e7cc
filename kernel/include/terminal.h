/*
 * terminal.h: the console as a terminal: somebody types lines, and sees what he types.
 *
 * It is one only if bootargs say console=terminal.  Otherwise whoever reads from the console gets what has been
 * received by then, and the end of it when that is nothing.  Where a program types, idle=polls beside it has the CPU
 * look for what has come instead of sleeping (idle_polls, scheduler.h): its machine skips time for which the CPU sleeps.
 */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/* Is the console one? */
extern bool console_is_terminal;

/*
 * Read from a line that has been typed to its end, as much as fits; sleep until there is one.  Returns how many
 * bytes, 0 when the end was typed (^D), or -EINTR.
 */
long terminal_read(char *buffer, size_t size);

#endif
