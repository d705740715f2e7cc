/*
 * sharing: several processes with one open file, or one pipe: nothing is lost, nothing is read twice, and no call's
 * bytes lie between another's.  Buffers are pages of a file that nobody has touched yet, so that the kernel has to wait
 * in the middle of a call; the parent asks for what came of it.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "say.h"

enum { WRITERS_MAX = 6, PAGE = 4096, SOURCE_PAGES = 37 };

/* What a compiler would warn of. */
static void *volatile nowhere = NULL;
static volatile int minus_one = -1;

/* What page n of a writer's own file is full of: its record number n begins there. */
static char sign_of(int writer, int n)
{
    return (char)(10 + writer * 40 + n % SOURCE_PAGES);
}

static const char *make_source(const char *path, int writer)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    char page[PAGE];
    for (int n = 0; n < SOURCE_PAGES; n++) {
        memset(page, sign_of(writer, n), PAGE);
        if (write(fd, page, PAGE) != PAGE)
            exit(99);
    }
    close(fd);
    return path;
}

static const char *map_source(const char *path)
{
    int fd = open(path, O_RDONLY);
    const char *pages = mmap(NULL, SOURCE_PAGES * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    return pages == MAP_FAILED ? NULL : pages;
}

static const char *source_path(int writer)
{
    static char path[20];
    snprintf(path, sizeof(path), "disk/src%d", writer);
    return path;
}

enum how { PLAIN, VECTOR, AT };

/* Write one record, with one call. */
static ssize_t write_record(int fd, const char *from, size_t size, enum how how, off_t offset)
{
    struct iovec pieces[] = {{(void *)(uintptr_t)from, size / 3},
                             {NULL, 0},
                             {(void *)(uintptr_t)(from + size / 3), size - size / 3}};
    return how == PLAIN    ? write(fd, from, size)
           : how == VECTOR ? writev(fd, pieces, 3)
                           : pwrite(fd, from, size, offset);
}

/* A writer's life: so many records of this size. */
static void write_records(int fd, int writer, int count, size_t size, enum how how)
{
    const char *pages = map_source(source_path(writer));
    for (int n = 0; n < count; n++) {
        const char *from = pages + n % SOURCE_PAGES * PAGE;
        off_t at = ((off_t)n * WRITERS_MAX + writer) * (off_t)size;
        if (write_record(fd, from, size, how, at) != (ssize_t)size)
            _exit(1);
    }
    _exit(0);
}

static int wait_for_all(void)
{
    int status, failed = 0;
    while (wait(&status) > 0)
        failed += status != 0;
    return failed;
}

/* Say whether what was written is whole records, and those of each writer in their order. */
static void judge(const char *bytes, size_t total, int writers, int count, size_t size)
{
    int next[WRITERS_MAX] = {0}, torn = 0, strange = 0;
    for (size_t at = 0; at + size <= total; at += size) {
        int w = 0;
        while (w < writers && (next[w] == count || sign_of(w, next[w]) != bytes[at]))
            w++;
        if (w == writers) {
            strange++;
            continue;
        }
        size_t i = 0;
        while (i < size && bytes[at + i] == sign_of(w, next[w] + (int)(i / PAGE)))
            i++;
        torn += i < size;
        next[w]++;
    }
    printf("  %zu bytes, %d torn, %d strange;", total, torn, strange);
    for (int w = 0; w < writers; w++)
        printf(" %d", next[w]);
    printf("\n");
}

static char whole[400000];

static size_t read_whole(int fd, size_t piece)
{
    size_t total = 0;
    ssize_t n;
    while (total < sizeof(whole) &&
           (n = read(fd, whole + total,
                     piece < sizeof(whole) - total ? piece : sizeof(whole) - total)) > 0)
        total += (size_t)n;
    return total;
}

/* own: each has opened the file itself, to append. */
static void into_a_file(const char *what, int writers, int count, size_t size, enum how how,
                        int own)
{
    int fd = open("disk/out", O_RDWR | O_CREAT | O_TRUNC, 0644);
    fflush(stdout);
    for (int w = 0; w < writers; w++)
        if (fork() == 0) {
            if (own)
                fd = open("disk/out", O_WRONLY | O_APPEND);
            write_records(fd, w, count, size, how);
        }
    printf("%s: %d writers, %d records of %zu: %d failed\n", what, writers, count, size,
           wait_for_all());
    if (!own && how != AT)
        printf("  position %ld\n", (long)lseek(fd, 0, SEEK_CUR));
    lseek(fd, 0, SEEK_SET);
    size_t total = read_whole(fd, sizeof(whole));
    judge(whole, total, writers, count, size);
    close(fd);
}

static void into_a_pipe(const char *what, int writers, int count, size_t size, enum how how,
                        size_t piece)
{
    int ends[2];
    pipe(ends);
    fflush(stdout);
    for (int w = 0; w < writers; w++)
        if (fork() == 0)
            write_records(ends[1], w, count, size, how);
    close(ends[1]);
    size_t total = read_whole(ends[0], piece);
    printf("%s: %d writers, %d records of %zu: %d failed\n", what, writers, count, size,
           wait_for_all());
    judge(whole, total, writers, count, size);
    close(ends[0]);
}

/* Some write more than fits into a pipe, others little: what is little is whole. */
static void large_beside_small(void)
{
    static char large[150000];
    int ends[2];
    pipe(ends);
    memset(large, 'L', sizeof(large));
    fflush(stdout);
    if (fork() == 0)
        _exit(write(ends[1], large, sizeof(large)) != sizeof(large));
    for (int w = 0; w < 2; w++)
        if (fork() == 0) {
            for (int n = 0; n < 40; n++)
                if (write(ends[1], w ? "<0123456789>" : "<abcdefghij>", 12) != 12)
                    _exit(1);
            _exit(0);
        }
    close(ends[1]);
    size_t total = read_whole(ends[0], 1000), larges = 0, smalls = 0;
    for (size_t at = 0; at < total;) {
        if (memcmp(whole + at, "<0123456789>", 12) == 0 ||
            memcmp(whole + at, "<abcdefghij>", 12) == 0)
            smalls++, at += 12;
        else
            larges += whole[at++] == 'L';
    }
    printf("large beside small: %zu bytes, %zu large ones, %zu small records, %d failed\n", total,
           larges, smalls, wait_for_all());
    close(ends[0]);
}

/* Two read what one has opened: each record goes to one of them.  They tell by a pipe. */
static void readers_of_one_file(size_t size)
{
    int fd = open("disk/nums", O_RDWR | O_CREAT | O_TRUNC, 0644), ends[2];
    uint32_t numbers[200];
    for (int n = 0; n < 60; n++) {
        for (int i = 0; i < 200; i++)
            numbers[i] = (uint32_t)n;
        write(fd, numbers, size);
    }
    close(fd);
    fd = open("disk/nums", O_RDONLY);
    pipe(ends);
    fflush(stdout);
    for (int r = 0; r < 3; r++)
        if (fork() == 0) {
            for (;;) {
                /* Pages that are still missing. */
                char *to =
                    mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                ssize_t n = read(fd, to, size);
                if (n == 0)
                    _exit(0);
                if (n != (ssize_t)size || memcmp(to, to + 4, size - 4) != 0)
                    _exit(1);
                write(ends[1], to, 4);
                munmap(to, PAGE);
            }
        }
    close(ends[1]);
    int seen[60] = {0}, wrong = 0;
    uint32_t number;
    while (read(ends[0], &number, 4) == 4)
        if (number < 60)
            seen[number]++;
    for (int n = 0; n < 60; n++)
        wrong += seen[n] != 1;
    printf("readers of one file, %zu at a time: %d failed, %d numbers not once, position %ld\n",
           size, wait_for_all(), wrong, (long)lseek(fd, 0, SEEK_CUR));
    close(fd);
    close(ends[0]);
}

/* Two list what one has opened. */
static void readers_of_one_directory(void)
{
    enum { NAMES = 20 };
    char path[20];
    int ends[2], seen[NAMES] = {0}, wrong = 0;
    mkdir("disk/names", 0755);
    for (int n = 0; n < NAMES; n++) {
        snprintf(path, sizeof(path), "disk/names/n%02d", n);
        close(open(path, O_CREAT | O_WRONLY, 0644));
    }
    int fd = open("disk/names", O_RDONLY | O_DIRECTORY);
    pipe(ends);
    fflush(stdout);
    for (int r = 0; r < 2; r++)
        if (fork() == 0) {
            char buffer[64] __attribute__((aligned(8)));
            long n;
            while ((n = syscall(SYS_getdents64, fd, buffer, sizeof(buffer))) > 0)
                for (long at = 0; at < n; at += *(uint16_t *)(buffer + at + 16))
                    if (buffer[at + 19] == 'n')
                        write(ends[1], buffer + at + 20, 2);
            _exit(n != 0);
        }
    close(ends[1]);
    char name[3] = "";
    while (read(ends[0], name, 2) == 2)
        seen[atoi(name) % NAMES]++;
    for (int n = 0; n < NAMES; n++)
        wrong += seen[n] != 1;
    printf("readers of one directory: %d failed, %d names not once\n", wait_for_all(), wrong);
    close(fd);
    close(ends[0]);
}

/* One writes, one moves the position, one truncates: the position is where it was moved to, or behind what was written. */
static void seeking_beside_writing(void)
{
    int fd = open("disk/out", O_RDWR | O_CREAT | O_TRUNC, 0644), strange = 0;
    fflush(stdout);
    if (fork() == 0)
        write_records(fd, 0, 50, 1200, PLAIN);
    for (int n = 0; n < 200; n++)
        strange += lseek(fd, 0, SEEK_CUR) % 1200 != 0;
    printf("seeking beside writing: %d failed, %d strange\n", wait_for_all(), strange);
    close(fd);
}

/*
 * A file that a program has mapped is truncated, and written again, while the program asks for another one in vain: the
 * kernel has its memory put aside then.
 */
static void truncated_beside_exec(void)
{
    enum { ROUNDS = 10, SIZE = 2 * PAGE };
    static char bytes[SIZE];
    int fd = open("disk/shared", O_RDWR | O_CREAT | O_TRUNC, 0644), wrong = 0, status;
    volatile int *flags =
        mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int no_program = open("disk/noprog", O_RDWR | O_CREAT, 0644);
    write(no_program, bytes, SIZE);
    close(no_program);
    for (int round = 0; round < ROUNDS; round++) {
        memset(bytes, 'o', SIZE);
        pwrite(fd, bytes, SIZE, 0);
        flags[0] = flags[1] = 0;
        if (fork() == 0) {
            volatile char *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
            int good = map[0] == 'o' && map[PAGE] == 'o';
            flags[0] = 1;
            while (!flags[1])
                execl("disk/noprog", "noprog", NULL);
            _exit(!(good && map[0] == 'n' && map[PAGE] == 'n'));
        }
        while (!flags[0])
            usleep(100);
        ftruncate(fd, 0);
        memset(bytes, 'n', SIZE);
        pwrite(fd, bytes, SIZE, 0);
        flags[1] = 1;
        wait(&status);
        wrong += status != 0;
    }
    printf("truncated beside execve(): %d wrong\n", wrong);
    close(fd);
}

/* What a pipe takes at once, and what it says when it takes only some of it, or is full. */
static void counts_of_a_pipe(void)
{
    static char bytes[200000];
    int ends[2];
    pipe2(ends, O_NONBLOCK);
    long capacity = 0, count;
    while (write(ends[1], "x", 1) == 1)
        capacity++;
    printf("a pipe that is full:\n");
    SAY(write(ends[1], "x", 1));
    SAY(write(ends[1], bytes, 4096));
    SAY(write(ends[1], bytes, sizeof(bytes)));
    struct iovec pieces[] = {{bytes, 2000}, {bytes, 2000}};
    SAY(writev(ends[1], pieces, 2));
    printf("read: %d\n", read(ends[0], bytes, 4000) > 0);
    while (read(ends[0], bytes, 1000) > 0)
        ;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 7 + i / 256);
    count = write(ends[1], bytes, (size_t)capacity + 1904);
    printf("more than it takes: %s\n", count == capacity ? "all that it takes" : "another count");
    long taken = 0, n;
    int wrong = 0;
    static char got[5000];
    while ((n = read(ends[0], got, 777)) > 0) {
        wrong += memcmp(got, bytes + taken, (size_t)n) != 0;
        taken += n;
    }
    printf("read: %s, %d wrong\n", taken == count ? "as many" : "another count", wrong);
    /* In one vector, whose first piece has no room for all. */
    struct iovec two[] = {{bytes, (size_t)capacity - 96}, {bytes, 2000}};
    count = writev(ends[1], two, 2);
    printf("a vector: %d\n", count > capacity - 4096 && count <= capacity);
    while (read(ends[0], got, 1000) > 0)
        ;
    /* Not all of it, or nothing. */
    SAY(write(ends[1], bytes, 3000));
    for (count = 0; write(ends[1], bytes, 4096) == 4096; count++)
        ;
    for (n = 0; (taken = read(ends[0], got, 1500)) > 0; n += taken)
        ;
    printf("whole ones only: %d\n", n == 3000 + count * 4096);
    close(ends[0]);
    signal(SIGPIPE, SIG_IGN);
    SAY(write(ends[1], bytes, 10));
    SAY(write(ends[1], bytes, 0));
    SAY(write(ends[1], bytes, sizeof(bytes)));
    close(ends[1]);
}

/* A reader that leaves in the middle of a long write(): what it had counts. */
static void reader_leaves(void)
{
    static char bytes[200000];
    int ends[2], status;
    pipe(ends);
    fflush(stdout);
    if (fork() == 0) {
        close(ends[0]);
        signal(SIGPIPE, SIG_IGN);
        ssize_t count = write(ends[1], bytes, sizeof(bytes));
        _exit(count > 0 && count < (ssize_t)sizeof(bytes) ? 7 : 1);
    }
    close(ends[1]);
    char some[100];
    SAY(read(ends[0], some, sizeof(some)));
    close(ends[0]);
    wait(&status);
    printf("the writer: %d\n", WEXITSTATUS(status));
}

/* What cannot be handed over is still to be read. */
static void bad_buffers(void)
{
    int ends[2];
    char some[200];
    pipe(ends);
    write(ends[1], "0123456789", 10);
    SAY(read(ends[0], nowhere, 10));
    char *page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(page + PAGE, PAGE);
    SAY(read(ends[0], page + PAGE - 4, 10));
    SAY(read(ends[0], some, sizeof(some)));
    printf("%.10s\n", some);
    /* One piece is full, and there is nothing for the next: that is all. */
    write(ends[1], "abcde", 5);
    struct iovec pieces[] = {{some, 2}, {some + 10, 3}, {some + 20, 100}};
    SAY(readv(ends[0], pieces, 3));
    printf("%.2s %.3s\n", some, some + 10);
    close(ends[1]);
    SAY(readv(ends[0], pieces, 3));
    close(ends[0]);
    int fd = open("disk/some", O_RDWR | O_CREAT | O_TRUNC, 0644);
    struct iovec bad[] = {{"good ", 5}, {nowhere, 10}};
    SAY(writev(fd, bad, 2));
    struct iovec negative[] = {{"good ", 5}, {some, (size_t)-1}};
    SAY(writev(fd, negative, 2));
    SAY(lseek(fd, 0, SEEK_END));
    SAY(writev(fd, pieces, minus_one));
    SAY(writev(fd, NULL, 0));
    SAY(writev(fd, nowhere, 1));
    close(fd);
    fd = open("disk/some", O_RDONLY);
    SAY(writev(fd, pieces, 1));
    close(fd);
}

int main(void)
{
    for (int w = 0; w < WRITERS_MAX; w++)
        make_source(source_path(w), w);
    into_a_file("one descriptor", 2, 300, 10, PLAIN, 0);
    into_a_file("one descriptor", 4, 50, 32, PLAIN, 0);
    into_a_file("one descriptor", 3, 20, 1500, PLAIN, 0);
    into_a_file("one descriptor", 3, 10, 3 * PAGE + 100, PLAIN, 0);
    into_a_file("one descriptor, vectors", 3, 20, 1500, VECTOR, 0);
    into_a_file("to append", 4, 50, 32, PLAIN, 1);
    into_a_file("to append", 3, 20, 1500, PLAIN, 1);
    into_a_file("to append, vectors", 3, 20, 1500, VECTOR, 1);
    into_a_file("at places of their own", WRITERS_MAX, 10, 1500, AT, 0);
    into_a_pipe("pipe", 6, 8, 3000, PLAIN, 777);
    into_a_pipe("pipe", 3, 10, 4096, PLAIN, 4096);
    into_a_pipe("pipe, vectors", 4, 10, 3000, VECTOR, 1000);
    large_beside_small();
    readers_of_one_file(400);
    readers_of_one_file(800);
    readers_of_one_directory();
    seeking_beside_writing();
    truncated_beside_exec();
    counts_of_a_pipe();
    reader_leaves();
    bad_buffers();
    return 0;
}
