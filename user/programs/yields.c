/*
 * yields NAME COUNT: prints "NAME I" and gives up its turn, for I from 1 to COUNT. Exits with 0, or
 * with 1 at once when sched_yield() returns anything but 0. Linux: yes, in some order.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
    if (argc < 3) {
        dprintf(STDERR_FILENO, "usage: yields NAME COUNT\n");
        return 2;
    }
    long count = strtol(argv[2], NULL, 10);

    for (long i = 1; i <= count; i++) {
        printf("%s %ld\n", argv[1], i);
        int result = sched_yield();

        if (result != 0) {
            printf("sched_yield: %d\n", result);
            return 1;
        }
    }
    return 0;
}
