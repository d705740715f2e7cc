#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

_Noreturn void assert_failed(const char *file, int line, const char *expression)
{
    stdio_flush(); /* so that what came before is also printed before */
    dprintf(STDERR_FILENO, "%s:%d: assertion failed: %s\n", file, line, expression);
    exit(1);
}
