/*
 * cat [FILE]...: prints files one after the other, or what it is given. Exits with 0, or 1 if a file cannot be
 * read. Linux: yes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int copy(int fd, const char *name)
{
    static char buffer[4096];
    long count;

    while ((count = read(fd, buffer, sizeof(buffer))) > 0)
        for (long done = 0, n; done < count; done += n)
            if ((n = write(STDOUT_FILENO, buffer + done, (size_t)(count - done))) <= 0)
                return 1;
    if (count < 0)
        dprintf(STDERR_FILENO, "cat: %s: %s\n", name, error_text(count));
    return count < 0;
}

int main(int argc, char *argv[])
{
    int failed = 0;

    if (argc < 2)
        return copy(STDIN_FILENO, "standard input");
    for (int i = 1; i < argc; i++) {
        int fd = open(argv[i], O_RDONLY);
        if (fd < 0)
            dprintf(STDERR_FILENO, "cat: %s: %s\n", argv[i], error_text(fd));
        failed |= fd < 0 || copy(fd, argv[i]);
        if (fd >= 0)
            close(fd);
    }
    return failed;
}
