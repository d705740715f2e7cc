/* kill PID [SIGNAL]: sends a signal, by number; 15 if none is given. Exits with 0, or 1. Linux: yes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <wait.h>

int main(int argc, char *argv[])
{
    int error = -EINVAL;

    if (argc > 1)
        error = kill((int)strtol(argv[1], NULL, 10),
                     argc > 2 ? (int)strtol(argv[2], NULL, 10) : SIGTERM);
    if (error)
        dprintf(STDERR_FILENO, "kill: %s\n", error_text(error));
    return error != 0;
}
