/*
 * touch ACTION...: touches memory where it is told, in the order of its arguments. ADDRESS is
 * hexadecimal, or heap+OFFSET, from where the heap began when the program started; numbers are
 * hexadecimal too.
 *
 *     r=ADDRESS            loads a byte, and prints it
 *     w=ADDRESS[,BYTE]     stores one (1 if not given)
 *     x=ADDRESS            calls what stands there
 *     clock=ADDRESS        clock_gettime() to there
 *     write=ADDRESS,SIZE   write() from there, to the standard output
 *     brk=ADDRESS          lets the heap end there, and prints where it ends
 *     frame=SIZE           a function with so many bytes of variables, that writes to the last of them
 *     deep=COUNT           so many calls inside each other, of a page each
 *     faults               the minor faults so far, by getrusage()
 *     advise=ADDRESS,SIZE,ADVICE     madvise()
 *     core=ADDRESS,SIZE    mincore(), and a digit for each page
 *     vector=ADDRESS,SIZE,ADDRESS    mincore(), to a place of one's own
 *     checkpoint           see checkpoint.h
 *
 * Prints "ACTION: RESULT", RESULT being what the call returned, for brk the end as heap+OFFSET; nothing
 * for w, x, frame, deep and checkpoint. Exits with 0, or 2 for an action that it does not know. Linux:
 * yes; where heap and stack lie is another matter.
 */
#include <checkpoint.h>
#include <mman.h>
#include <resource.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, ARRAY_PAGES = 64, CORE_PAGES = 64 };

/* To be touched: in bss, data and constants, each on pages of its own. */
unsigned char array[ARRAY_PAGES * PAGE] __attribute__((aligned(4096)));
unsigned char filled[4 * PAGE]
    __attribute__((aligned(4096))) = {[0] = 10, [PAGE] = 11, [2 * PAGE] = 12, [3 * PAGE] = 13};
const unsigned char fixed[4 * PAGE]
    __attribute__((aligned(4096))) = {[0] = 20, [PAGE] = 21, [2 * PAGE] = 22, [3 * PAGE] = 23};

static unsigned long heap;

static unsigned long number(const char *text, const char **end)
{
    char *behind;
    unsigned long base = 0;

    if (strlen(text) >= 5 && memcmp(text, "heap+", 5) == 0) {
        base = heap;
        text += 5;
    }
    base += strtoul(text, &behind, 16);
    *end = *behind == ',' ? behind + 1 : behind;
    return base;
}

static __attribute__((noinline)) void large_frame(unsigned long size)
{
    volatile unsigned char *room = __builtin_alloca(size);

    room[0] = 1;
}

static __attribute__((noinline)) int nested(unsigned long count)
{
    volatile unsigned char room[PAGE - 64];

    room[0] = (unsigned char)count;
    return count <= 1 ? room[0] : nested(count - 1) + room[0];
}

static int clock_to(unsigned long address)
{
    return clock_gettime(CLOCK_MONOTONIC, (struct timespec *)address);
}

/* The action whose name has been read; 0 when there is none of this name. */
static int act(const char *action, const char *name, const char *rest)
{
    unsigned long address = number(rest, &rest), more = number(rest, &rest);

    if (strcmp(name, "r") == 0) {
        printf("%s: %d\n", action, *(volatile unsigned char *)address);
    } else if (strcmp(name, "w") == 0) {
        *(volatile unsigned char *)address = more ? (unsigned char)more : 1;
    } else if (strcmp(name, "x") == 0) {
        ((void (*)(void))address)();
    } else if (strcmp(name, "clock") == 0) {
        printf("%s: %d\n", action, clock_to(address));
    } else if (strcmp(name, "write") == 0) {
        printf("%s: %ld\n", action, (long)write(1, (const void *)address, more));
    } else if (strcmp(name, "brk") == 0) {
        printf("%s: heap+%lx\n", action, brk(address) - heap);
    } else if (strcmp(name, "frame") == 0) {
        large_frame(address);
    } else if (strcmp(name, "deep") == 0) {
        nested(address);
    } else if (strcmp(name, "faults") == 0) {
        struct rusage usage;
        int error = getrusage(RUSAGE_SELF, &usage);

        printf("%s: %ld\n", action, error ? error : usage.ru_minflt);
    } else if (strcmp(name, "advise") == 0) {
        printf("%s: %d\n", action, madvise((void *)address, more, (int)number(rest, &rest)));
    } else if (strcmp(name, "core") == 0) {
        unsigned char vector[CORE_PAGES] = {0};
        int error = mincore((void *)address, more, vector);

        printf("%s: %d ", action, error);
        for (unsigned long i = 0; !error && i < (more + PAGE - 1) / PAGE && i < CORE_PAGES; i++)
            printf("%d", vector[i] & 1);
        printf("\n");
    } else if (strcmp(name, "vector") == 0) {
        printf("%s: %d\n", action,
               mincore((void *)address, more, (unsigned char *)number(rest, &rest)));
    } else if (strcmp(name, "checkpoint") == 0) {
        checkpoint();
    } else {
        return 0;
    }
    return 1;
}

int main(int argc, char *argv[])
{
    heap = brk(0);
    for (int i = 1; i < argc; i++) {
        char name[16] = "";
        const char *equals = strchr(argv[i], '=');
        size_t length = equals ? (size_t)(equals - argv[i]) : strlen(argv[i]);

        if (length < sizeof(name))
            memcpy(name, argv[i], length);
        if (!act(argv[i], name, equals ? equals + 1 : "")) {
            dprintf(STDERR_FILENO, "touch: no action is called %s\n", name);
            return 2;
        }
    }
    return 0;
}
