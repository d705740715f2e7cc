/*
 * tracer bytes                 reads and writes bytes of its own memory
 *        bad [ADDRESS]...      addresses (hexadecimal) not the program's, requests and numbers that
 *                              do not exist
 *        count WRITES YIELDS   makes so many calls of these two, and asks for the counts
 *
 * Prints "CASE: RESULT" and exits with 0, or 2 if misused. Linux: no (trace is Rung's own).
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syscall.h>
#include <trace.h>
#include <unistd.h>

static void bytes(void)
{
    static unsigned char at[3] = {0x11, 0xfe, 0x33};
    unsigned long middle = (unsigned long)&at[1];

    printf("read: %ld\n", trace(TRACE_READ, middle, 0));
    printf("write: %ld\n", trace(TRACE_WRITE, middle, 0x1a5));
    printf("read: %ld\n", trace(TRACE_READ, middle, 77));
    printf("memory: %x %x %x\n", at[0], ((volatile unsigned char *)at)[1], at[2]);
}

static void bad(int count, char *addresses[])
{
    static const unsigned long requests[] = {
        3, 4, 410, 1000, 1UL << 32, 1UL << 32 | 1, 1UL << 32 | 2, 1UL << 63 | 2, -1UL};
    static const unsigned long numbers[] = {512,       513,  1UL << 32 | SYS_write,
                                            1UL << 63, -1UL, -64UL};

    for (int i = 0; i < count; i++) {
        unsigned long address = strtoul(addresses[i], NULL, 16);

        printf("read %s: %ld\n", addresses[i], trace(TRACE_READ, address, 0));
        printf("write %s: %ld\n", addresses[i], trace(TRACE_WRITE, address, 0));
    }
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
        printf("request 0x%lx: %ld\n", requests[i], trace((long)requests[i], (long)bad, 0));
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        printf("number 0x%lx: %ld\n", numbers[i], trace(TRACE_COUNT, numbers[i], 0));
    printf("number 0x1ff: %ld\n", trace(TRACE_COUNT, 511, 0));
}

static void count(long writes, long yields)
{
    for (long i = 0; i < writes; i++)
        write(STDOUT_FILENO, "", 0);
    for (long i = 0; i < yields; i++)
        sched_yield();
    /* A call that no table has, and one beyond every table, are calls too; only one has a count. */
    for (int i = 0; i < 3; i++)
        syscall6(500, 0, 0, 0, 0, 0, 0);
    for (int i = 0; i < 3; i++)
        syscall6(-1, 0, 0, 0, 0, 0, 0);

    long first = trace(TRACE_COUNT, SYS_trace, 0);
    long counted_writes = trace(TRACE_COUNT, SYS_write, 0);
    long counted_yields = trace(TRACE_COUNT, SYS_sched_yield, 0);
    long unknown = trace(TRACE_COUNT, 500, 0), never = trace(TRACE_COUNT, SYS_nanosleep, 0);

    printf("write: %ld\nsched_yield: %ld\n500: %ld\nnanosleep: %ld\ntrace: %ld then %ld\n",
           counted_writes, counted_yields, unknown, never, first, trace(TRACE_COUNT, SYS_trace, 0));
}

int main(int argc, char *argv[])
{
    if (argc > 1 && strcmp(argv[1], "bytes") == 0) {
        bytes();
    } else if (argc > 1 && strcmp(argv[1], "bad") == 0) {
        bad(argc - 2, argv + 2);
    } else if (argc > 3 && strcmp(argv[1], "count") == 0) {
        count(strtol(argv[2], NULL, 10), strtol(argv[3], NULL, 10));
    } else {
        dprintf(STDERR_FILENO, "usage: tracer bytes | bad [ADDRESS]... | count WRITES YIELDS\n");
        return 2;
    }
    return 0;
}
