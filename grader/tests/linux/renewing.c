/* renewing: a program is replaced while files that close with it are still to be written: the kernel waits meanwhile. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "say.h"

#define SELF "bin/renewing"
enum { STAGES = 8 };

/* Time for some interrupts of the timer. */
static void spin(void)
{
    static volatile unsigned sum;
    for (unsigned i = 0; i < 4000000; i++)
        sum += i * i;
}

static void write_file(const char *path, size_t size, int flags)
{
    static char bytes[20000];
    memset(bytes, 'n', sizeof(bytes));
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | flags, 0644);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
        printf("not written: %s\n", path);
}

static long size_of(const char *path)
{
    struct stat stat_of;
    return stat(path, &stat_of) == 0 ? (long)stat_of.st_size : -1;
}

int main(int argc, char *argv[])
{
    int stage = argc > 1 ? atoi(argv[1]) : 0;
    if (stage > 0)
        spin();
    printf("stage %d: %d arguments\n", stage, argc);
    fflush(stdout);
    if (stage == STAGES) {
        printf("%ld %ld %ld\n", size_of("disk/one"), size_of("disk/two"), size_of("disk/kept"));
        SAY(fcntl(4, F_GETFD));
        return 9;
    }
    int status;
    if (stage == 3 && fork() != 0) { /* a parent that waits, beside one that computes */
        if (fork() == 0) {
            spin();
            spin();
            _exit(4);
        }
        int sum = 0;
        while (wait(&status) > 0)
            sum += WEXITSTATUS(status);
        printf("children: %d\n", sum);
        return 0;
    }
    write_file("disk/one", 3000, O_CLOEXEC);
    write_file("disk/two", 20000, O_CLOEXEC);
    if (stage == 0)
        write_file("disk/kept", 100, 0);
    char next[8];
    snprintf(next, sizeof(next), "%d", stage + 1);
    execl(SELF, "renewing", next, "more", NULL);
    printf("not replaced\n");
    return 1;
}
