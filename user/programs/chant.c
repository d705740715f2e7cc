/*
 * chant LETTER LENGTH LINES [MICROSECONDS]: prints LINES lines of LENGTH letters (up to 4000), each
 * line with one write(), and computes for so long between them. Exits with 0; with 1 when a write()
 * does not return the length of the line. Linux: yes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char line[4001];

int main(int argc, char *argv[])
{
    if (argc < 4) {
        dprintf(STDERR_FILENO, "usage: chant LETTER LENGTH LINES [MICROSECONDS]\n");
        return 2;
    }
    size_t length = strtoul(argv[2], NULL, 10);
    long lines = strtol(argv[3], NULL, 10);
    unsigned long pause = argc > 4 ? strtoul(argv[4], NULL, 10) * TICKS_PER_MICROSECOND : 0;

    if (length >= sizeof(line))
        return 2;
    memset(line, argv[1][0], length);
    line[length] = '\n';
    for (long i = 0; i < lines; i++) {
        if (write(STDOUT_FILENO, line, length + 1) != (ssize_t)length + 1)
            return 1;
        for (unsigned long start = rdtime(); rdtime() - start < pause;)
            ;
    }
    return 0;
}
