/*
 * bench COUNT            what a system call costs
 *       yields COUNT     what giving up the CPU costs: run several side by side
 *       switches COUNT   what losing it costs: run two side by side
 *       mapped FILE COUNT   what the first touch of a mapped file's page costs, which has been read before
 *       read FILE        what reading a file from its beginning to its end costs, and a copy of as many bytes
 *       faults COUNT     what the first touch of a page costs: of the heap, which begins to grow
 *       forks COUNT PAGES   what a child costs that ends at once, with so many pages of heap that were touched
 *       execs COUNT PATH what a child costs that becomes another program, which ends at once
 *       copies COUNT     what the first store to a page costs that a child has, too
 *       pipes COUNT      what a byte to another program and back costs
 *
 * In instructions of the machine. With QEMU's -icount shift=N the counter instret goes on by 2^N with
 * each: the program finds out by how much, and divides. Prints
 *     instret at main: N
 *     null call: N        from an ecall to the instruction behind it, the mean of COUNT calls that
 *                         do not exist
 * or, `yields`:
 *     yields: N           instructions in which COUNT yields of this program came back, without those
 *                         of its own loop
 * or, `switches`:
 *     lost at N, back at N      the last and first look at instret around each of COUNT gaps
 * or, `faults`:
 *     mapped: N, or read: N and copied: N      while this program had the CPU, copied: by reads of
 *                         one piece, which is in memory
 *     fork, exit, wait: N, and so on: the mean of COUNT
 *     fault: N            from a store to a page that is missing to the next instruction, the mean of COUNT
 * Linux: runs, but instret counts something else.
 */
#include <fcntl.h>
#include <mman.h>
#include <resource.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syscall.h>
#include <unistd.h>
#include <wait.h>

enum { WARM_UP = 20, GAP = 100, GAPS_MAX = 64, PAGE = 4096, ROOM = 64 << 10 };

static unsigned long instret(void)
{
    unsigned long value;
    __asm__ volatile("rdinstret %0" : "=r"(value));
    return value;
}

/* By how much instret goes on with each instruction. */
static unsigned long step = 1;

static void find_step(void)
{
    enum { NOPS = 63, ROUNDS = 8 };
    unsigned long least = -1UL;

    for (int i = 0; i < ROUNDS; i++) { /* an interrupt or a page that is missing makes one longer */
        unsigned long begin = instret(), took;

        __asm__ volatile(".rept 63\nnop\n.endr" ::: "memory");
        took = instret() - begin;
        least = took < least ? took : least;
    }
    step = (least + NOPS / 2) / (NOPS + 1);
    if (step == 0)
        step = 1;
}

/* How many instructions a distance of instret, or a time in ns of the guest, is. */
static unsigned long instructions(unsigned long distance)
{
    return distance / step;
}

static void calls(unsigned long count)
{
    register long number __asm__("a7") = 1023;
    register long result __asm__("a0") = 0;
    unsigned long begin, calls, empty;

    begin = instret();
    for (unsigned long i = 0; i < count; i++)
        __asm__ volatile("nop" : "+r"(result) : "r"(number) : "memory");
    empty = instret() - begin;
    begin = instret();
    for (unsigned long i = 0; i < count; i++)
        __asm__ volatile("ecall" : "+r"(result) : "r"(number) : "memory");
    calls = instret() - begin;
    printf("null call: %lu\n", instructions(calls - empty) / count + 1);
}

static void yields(unsigned long count)
{
    register long number __asm__("a7");
    register long result __asm__("a0");
    unsigned long begin, empty, took;

    number = SYS_sched_yield;
    begin = instret();
    for (unsigned long i = 0; i < count; i++)
        __asm__ volatile("nop" : "=r"(result) : "r"(number) : "memory");
    empty = instret() - begin - count * step;
    /* Until all have started, and behind the last look until all have finished counting. */
    for (int i = 0; i < WARM_UP; i++)
        sched_yield();
    number = SYS_sched_yield; /* a call may have changed the register */
    begin = instret();
    for (unsigned long i = 0; i < count; i++)
        __asm__ volatile("ecall" : "=r"(result) : "r"(number) : "memory");
    took = instret() - begin - empty;

    for (int i = 0; i < WARM_UP; i++)
        sched_yield();
    printf("yields: %lu\n", instructions(took));
}

static void switches(unsigned long count)
{
    static unsigned long lost[GAPS_MAX], back[GAPS_MAX];
    unsigned long last = instret();

    for (unsigned long i = 0; i < count && i < GAPS_MAX;) {
        unsigned long now = instret();

        if (now - last > GAP * step) {
            lost[i] = last;
            back[i++] = now;
        }
        last = now;
    }
    for (unsigned long i = 0; i < count && i < GAPS_MAX; i++)
        printf("lost at %lu, back at %lu\n", instructions(lost[i]), instructions(back[i]));
}

static void faults(unsigned long count)
{
    unsigned long start = (brk(0) + PAGE - 1) / PAGE * PAGE, took[2];
    volatile char *page = (volatile char *)start;

    brk(start + (count + 1) * PAGE);
    page[count * PAGE] = 1; /* so that the tables are there */
    for (int round = 0; round < 2; round++) {
        unsigned long begin = instret();

        for (unsigned long i = 0; i < count; i++)
            page[i * PAGE] = 1;
        took[round] = instret() - begin;
    }
    printf("fault: %lu\n", instructions(took[0] - took[1]) / count + 1);
}

/* The time that this program has had the CPU, in ns. */
static unsigned long cpu_time(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) != 0)
        exit(1);
    return ((unsigned long)usage.ru_utime.tv_sec * 1000000 +
            (unsigned long)usage.ru_utime.tv_usec) *
           1000;
}

static int open_file(const char *path)
{
    int fd = open(path, O_RDONLY);

    if (fd < 0) {
        printf("open: %d\n", fd);
        exit(1);
    }
    return fd;
}

static void mapped(const char *path, unsigned long count)
{
    int fd = open_file(path);
    static char room[PAGE];
    unsigned long took[2];
    long start;
    volatile char *page;

    while (read(fd, room, sizeof(room)) > 0)
        ;
    start = mmap(0, (count + 1) * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
    page = (volatile char *)start;
    (void)page[0]; /* so that the tables are there */
    for (int round = 0; round < 2; round++) {
        unsigned long begin = instret();

        for (unsigned long i = 1; i < count; i++)
            (void)page[i * PAGE];
        took[round] = instret() - begin;
    }
    printf("mapped: %lu\n", instructions(took[0] - took[1]) / (count - 1) + 1);
}

static void read_all(const char *path)
{
    int fd = open_file(path);
    static char room[ROOM];
    unsigned long begin, count = 0;

    for (unsigned long i = 0; i < sizeof(room); i += PAGE)
        room[i] = 1; /* so that its pages are there */
    begin = cpu_time();
    while (read(fd, room, sizeof(room)) > 0)
        count++;
    printf("read: %lu\n", instructions(cpu_time() - begin));
    pread(fd, room, sizeof(room), 0);
    begin = cpu_time();
    for (unsigned long i = 0; i < count; i++)
        pread(fd, room, sizeof(room), 0);
    printf("copied: %lu\n", instructions(cpu_time() - begin));
}

/* Let the heap have so many pages, which have been touched. Returns the first one. */
static volatile char *touched_heap(unsigned long pages)
{
    unsigned long start = (brk(0) + PAGE - 1) / PAGE * PAGE;
    volatile char *heap = (volatile char *)start;

    brk(start + pages * PAGE);
    for (unsigned long i = 0; i < pages; i++)
        heap[i * PAGE] = 1;
    return heap;
}

static void forks(unsigned long count, unsigned long pages)
{
    unsigned long begin = 0;

    touched_heap(pages);
    for (unsigned long i = 0; i <= count; i++) {
        if (i == 1)
            begin = instret(); /* the first one finds nothing where it has been before */
        if (fork() == 0)
            _exit(0);
        wait(NULL);
    }
    printf("fork, exit, wait: %lu\n", instructions(instret() - begin) / count);
}

static void execs(unsigned long count, char *name)
{
    char *const argv[] = {name, NULL}, *const envp[] = {NULL};
    unsigned long begin = 0;
    enum { NOT_FOUND = 127 };
    int status = 0;

    for (unsigned long i = 0; i <= count && WEXITSTATUS(status) != NOT_FOUND; i++) {
        if (i == 1)
            begin = instret();
        if (fork() == 0) {
            execve(name, argv, envp);
            _exit(NOT_FOUND);
        }
        wait(&status);
    }
    printf("fork, exec, exit, wait: %lu\n", instructions(instret() - begin) / count);
}

static void copies(unsigned long count)
{
    volatile char *heap = touched_heap(count);
    unsigned long took[2];

    if (fork() == 0) {
        for (int i = 0; i < WARM_UP; i++)
            sched_yield(); /* it is there still, and has all pages */
        _exit(0);
    }
    for (int round = 0; round < 2; round++) {
        unsigned long begin = instret();

        for (unsigned long i = 0; i < count; i++)
            heap[i * PAGE] = 2;
        took[round] = instret() - begin;
    }
    wait(NULL);
    printf("copy: %lu\n", instructions(took[0] - took[1]) / count + 1);
}

static void pipes(unsigned long count)
{
    int there[2], back[2];
    unsigned long begin = 0;
    char byte = 1;

    if (pipe2(there, 0) != 0 || pipe2(back, 0) != 0)
        exit(1);
    if (fork() == 0) {
        for (unsigned long i = 0; i <= count; i++) {
            read(there[0], &byte, 1);
            write(back[1], &byte, 1);
        }
        _exit(0);
    }
    for (unsigned long i = 0; i <= count; i++) {
        if (i == 1)
            begin = instret();
        write(there[1], &byte, 1);
        read(back[0], &byte, 1);
    }
    printf("ping-pong: %lu\n", instructions(instret() - begin) / count);
}

int main(int argc, char *argv[])
{
    unsigned long at_start = instret();

    find_step();
    if (argc > 2 && strcmp(argv[1], "yields") == 0) {
        yields(strtoul(argv[2], NULL, 10));
    } else if (argc > 2 && strcmp(argv[1], "switches") == 0) {
        switches(strtoul(argv[2], NULL, 10));
    } else if (argc > 3 && strcmp(argv[1], "mapped") == 0) {
        mapped(argv[2], strtoul(argv[3], NULL, 10));
    } else if (argc > 2 && strcmp(argv[1], "read") == 0) {
        read_all(argv[2]);
    } else if (argc > 3 && strcmp(argv[1], "forks") == 0) {
        forks(strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
    } else if (argc > 3 && strcmp(argv[1], "execs") == 0) {
        execs(strtoul(argv[2], NULL, 10), argv[3]);
    } else if (argc > 2 && strcmp(argv[1], "copies") == 0) {
        copies(strtoul(argv[2], NULL, 10));
    } else if (argc > 2 && strcmp(argv[1], "pipes") == 0) {
        pipes(strtoul(argv[2], NULL, 10));
    } else if (argc > 2 && strcmp(argv[1], "faults") == 0) {
        faults(strtoul(argv[2], NULL, 10));
    } else {
        printf("instret at main: %lu\n", instructions(at_start));
        calls(argc > 1 ? strtoul(argv[1], NULL, 10) : 1000);
    }
    return 0;
}
