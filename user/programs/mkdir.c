/* mkdir PATH...: makes directories. Exits with 0, or 1 if one cannot be made. Linux: yes. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
    int failed = 0;

    for (int i = 1; i < argc; i++) {
        int error = mkdir(argv[i]);
        if (error)
            dprintf(STDERR_FILENO, "mkdir: %s: %s\n", argv[i], error_text(error));
        failed |= error != 0;
    }
    return failed;
}
