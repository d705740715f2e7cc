/*
 * ls [PATH]...: prints the names in directories, one on a line, with "/" behind those of directories; and names of
 * files with their sizes. Exits with 0, or 1 for what is not there. Linux: yes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int list(const char *path)
{
    static char names[2048] __attribute__((aligned(8)));
    struct stat stat;
    long size = -EBADF;
    int fd = open(path, O_RDONLY), failed = 1;

    if (fd >= 0 && fstat(fd, &stat) == 0 && (stat.st_mode & 0170000) != 0040000) {
        printf("%s %ld\n", path, stat.st_size);
        failed = 0;
    } else if (fd >= 0) {
        while ((size = getdents64(fd, names, sizeof(names))) > 0) {
            for (long at = 0; at < size;) {
                const struct dirent *entry = (const struct dirent *)(names + at);
                if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                    printf("%s%s\n", entry->d_name, entry->d_type == DT_DIR ? "/" : "");
                at += entry->d_reclen;
            }
        }
        failed = size < 0;
    }
    if (failed)
        dprintf(STDERR_FILENO, "ls: %s: %s\n", path, error_text(fd < 0 ? fd : size));
    if (fd >= 0)
        close(fd);
    return failed;
}

int main(int argc, char *argv[])
{
    int failed = 0;

    if (argc < 2)
        return list(".");
    for (int i = 1; i < argc; i++)
        failed |= list(argv[i]);
    return failed;
}
