/*
 * nameless [spawn]   becomes itself, or starts itself, without any argument and without an environment.  Exits with 42
 *                    when the new program has one argument, the empty string.
 */
#include <string.h>
#include <unistd.h>
#include <wait.h>

int main(int argc, char *argv[])
{
    int status = 0;

    if (argc == 1 && argv[0][0] == '\0' && !argv[1])
        return 42;
    if (argc == 0)
        return 1;
    if (argc == 1)
        return execve("/bin/nameless", NULL, NULL) != 0;
    if (spawn("/bin/nameless", NULL, NULL) <= 0)
        return 2;
    wait(&status);
    return WEXITSTATUS(status);
}
