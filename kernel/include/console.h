/*
 * console.h: the serial line.
 */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stdbool.h>
#include <stddef.h>

void console_init(void);

/* Send size bytes, as they are. */
void console_write(const void *bytes, size_t size);

/* One received byte, or -1 when there is none. */
int console_read(void);

/* Is the cursor at the start of a line?  True before the first byte. */
bool console_at_line_start(void);

#endif
