/*
 * forker COUNT            has COUNT children, one after the other, and waits for each
 *        COUNT keep       has them all at a time, each of which ends at once, and waits for none
 *        COUNT orphans    the same, and each has a child of its own, which outlives it
 *
 * Each child writes to its stack, its data and its heap. Exits with 0, or 1 if there could not be so many. Linux: yes.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wait.h>

static int data[2000];

static void live(int number)
{
    volatile int stack[2000];
    volatile char *heap = (volatile char *)brk(0);

    data[number % 2000] = number;
    stack[number % 2000] = number;
    brk((unsigned long)heap + 5000);
    heap[4999] = (char)stack[number % 2000];
}

int main(int argc, char *argv[])
{
    int count = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 1;
    int keep = argc > 2, orphans = keep && strcmp(argv[2], "orphans") == 0;

    for (int n = 0; n < count; n++) {
        int status = 0, pid = fork();

        if (pid < 0)
            return 1;
        if (pid == 0) {
            live(n);
            if (orphans && fork() == 0) {
                nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
                live(n + 1);
            }
            _exit(n % 7);
        }
        if (!keep && (waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != n % 7))
            return 1;
    }
    return 0;
}
