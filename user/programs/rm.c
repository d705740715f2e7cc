/* rm PATH...: removes files, and directories that are empty. Exits with 0, or 1 if one stays. Linux: yes. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
    int failed = 0;

    for (int i = 1; i < argc; i++) {
        int error = unlink(argv[i]);
        if (error == -EISDIR)
            error = rmdir(argv[i]);
        if (error)
            dprintf(STDERR_FILENO, "rm: %s: %s\n", argv[i], error_text(error));
        failed |= error != 0;
    }
    return failed;
}
