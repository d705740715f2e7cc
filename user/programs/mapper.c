/*
 * mapper ACTION...: maps files and memory, and looks what is there, in the order of its arguments. Numbers are
 * hexadecimal. ADDRESS is a number, or a mapping and an offset, "b+1000": each map= and remap= has a letter, a
 * for the first; PROT is some of r, w and x, or "-". FD is a number, or a letter: A for the first open=.
 *
 *     open=PATH,HOW                HOW: of r, w, c (create), e (must be new), t (truncate), a (append), d (a directory)
 *     openat=FD,ADDRESS,HOW  unlinkat=FD,ADDRESS,FLAGS      the path is in memory; FD ffffff9c is no directory
 *     close=FD  dup=FD  fsync=FD   as they are called
 *     size=FD                      how many bytes the file has, by fstat()
 *     truncate=FD,SIZE  seek=FD,OFFSET,WHENCE  unlink=PATH  flush (sync())
 *     read=FD,ADDRESS,SIZE  write=FD,ADDRESS,SIZE  pread=FD,ADDRESS,SIZE,OFFSET
 *     drain=FD,ADDRESS,SIZE        reads pieces of SIZE up to the end: the sum of all
 *     repeat=FD,ADDRESS,SIZE,COUNT writes it so many times
 *     map=ADDRESS,SIZE,PROT,FLAGS[,FD,OFFSET]    FLAGS: of p (private), s (shared), a (anonymous), f (fixed),
 *                                  n (fixed, nothing is replaced), l (populate)
 *     unmap=ADDRESS,SIZE  protect=ADDRESS,SIZE,PROT  sync=ADDRESS,SIZE,FLAGS
 *     remap=ADDRESS,OLD,NEW,FLAGS[,ADDRESS]      FLAGS: a number
 *     where=ADDRESS                which address that is
 *     r=ADDRESS                    loads a byte
 *     w=ADDRESS,BYTE               stores one
 *     x=ADDRESS                    calls what stands there
 *     put=ADDRESS,TEXT             stores characters, and a zero behind them
 *     text=ADDRESS,SIZE            so many characters, dots for those that are none
 *     fill=ADDRESS,SIZE,BYTE       so many bytes
 *     sum=ADDRESS,SIZE             a number that depends on all bytes and their places
 *     nap=MICROSECONDS  spin=COUNT  checkpoint   nothing else happens meanwhile
 *
 * Prints "ACTION: RESULT", RESULT being what the call returned; for map and remap the letter, if it worked; nothing
 * for w, x, put, fill, nap, spin, flush and checkpoint. Exits with 0, or 2 for an action that it does not know. Linux: yes,
 * but where= says something else.
 */
#include <checkpoint.h>
#include <fcntl.h>
#include <mman.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WORDS_MAX = 6, MAPPINGS_MAX = 26, FILES_MAX = 26 };

static unsigned long mappings[MAPPINGS_MAX];
static int mapping_count, files[FILES_MAX], file_count;

/* The pieces between the commas of an action; those that are missing are empty. */
static char *words[WORDS_MAX + 1];

static unsigned long number(const char *text)
{
    unsigned long base = 0;

    if (text[0] >= 'a' && text[0] <= 'z' && text[1] == '+') {
        base = mappings[text[0] - 'a'];
        text += 2;
    }
    return base + strtoul(text, NULL, 16);
}

static int descriptor(const char *text)
{
    if (text[0] >= 'A' && text[0] <= 'Z' && text[1] == '\0')
        return files[text[0] - 'A'];
    return *text ? (int)number(text) : -1;
}

/* The sum of the values of all letters of a word. */
static int letters(const char *word, const char *names, const int values[])
{
    int sum = 0;

    for (; *word; word++) {
        const char *found = strchr(names, *word);

        if (found)
            sum |= values[found - names];
    }
    return sum;
}

static int prot(const char *word)
{
    return letters(word, "rwx", (const int[]){PROT_READ, PROT_WRITE, PROT_EXEC});
}

static int map_flags(const char *word)
{
    return letters(word, "psafnl",
                   (const int[]){MAP_PRIVATE, MAP_SHARED, MAP_ANONYMOUS, MAP_FIXED,
                                 MAP_FIXED_NOREPLACE, MAP_POPULATE});
}

static int open_flags(const char *word)
{
    int how = letters(word, "cewtad",
                      (const int[]){O_CREAT, O_EXCL, O_WRONLY, O_TRUNC, O_APPEND, O_DIRECTORY});

    if (strchr(word, 'r') && strchr(word, 'w'))
        how = (how & ~O_WRONLY) | O_RDWR;
    return how;
}

/* A mapping has been made, or an error has come instead: give it the next letter. */
static void mapped(const char *action, long address)
{
    if (address < 0 && address >= -4095) {
        printf("%s: %ld\n", action, address);
        return;
    }
    if (mapping_count == MAPPINGS_MAX)
        exit(3);
    mappings[mapping_count] = (unsigned long)address;
    printf("%s: %c\n", action, 'a' + mapping_count++);
}

static void show_text(const char *action, const unsigned char *bytes, unsigned long size)
{
    printf("%s: ", action);
    for (unsigned long i = 0; i < size; i++)
        printf("%c", bytes[i] >= ' ' && bytes[i] < 127 ? bytes[i] : '.');
    printf("\n");
}

static unsigned add(unsigned total, const volatile unsigned char *bytes, unsigned long size)
{
    for (unsigned long i = 0; i < size; i++)
        total = total * 31 + bytes[i];
    return total;
}

/* Read a file from where it is to its end, and show the sum. */
static void drain(const char *action, int fd, unsigned char *buffer, unsigned long size)
{
    unsigned total = 1;
    long count;

    while ((count = read(fd, buffer, size)) > 0)
        total = add(total, buffer, (unsigned long)count);
    if (count < 0)
        printf("%s: %ld\n", action, count);
    else
        printf("%s: %08x\n", action, total);
}

/* Write the same several times. Returns how many bytes that were, or the error. */
static long repeat(int fd, const void *bytes, unsigned long size, unsigned long count)
{
    long done = 0;

    for (unsigned long i = 0; i < count; i++) {
        long result = write(fd, bytes, size);

        if (result < 0)
            return result;
        done += result;
    }
    return done;
}

/* A new letter for a descriptor, or for the error that came instead. */
static long opened(int fd)
{
    if (file_count == FILES_MAX)
        exit(3);
    return files[file_count++] = fd;
}

static long size_of(int fd)
{
    struct stat stat;
    int error = fstat(fd, &stat);

    return error ? error : stat.st_size;
}

/* The action whose name has been read; 0 when there is none of this name. */
static int act(const char *action, const char *name)
{
    unsigned long a = number(words[0]), b = number(words[1]), c = number(words[2]);
    int fd = descriptor(words[0]);
    long result;

    if (strcmp(name, "open") == 0) {
        result = opened(open(words[0], open_flags(words[1])));
    } else if (strcmp(name, "openat") == 0) {
        result = opened(openat(fd, (const char *)b, open_flags(words[2])));
    } else if (strcmp(name, "close") == 0) {
        result = close(fd);
    } else if (strcmp(name, "dup") == 0) {
        result = dup(fd);
    } else if (strcmp(name, "fsync") == 0) {
        result = fsync(fd);
    } else if (strcmp(name, "size") == 0) {
        result = size_of(fd);
    } else if (strcmp(name, "truncate") == 0) {
        result = ftruncate(fd, (long)b);
    } else if (strcmp(name, "seek") == 0) {
        result = lseek(fd, (long)b, (int)c);
    } else if (strcmp(name, "unlink") == 0) {
        result = unlink(words[0]);
    } else if (strcmp(name, "unlinkat") == 0) {
        result = unlinkat(fd, (const char *)b, (int)c);
    } else if (strcmp(name, "read") == 0) {
        result = read(fd, (void *)b, c);
    } else if (strcmp(name, "pread") == 0) {
        result = pread(fd, (void *)b, c, (long)number(words[3]));
    } else if (strcmp(name, "write") == 0) {
        result = write(fd, (const void *)b, c);
    } else if (strcmp(name, "repeat") == 0) {
        result = repeat(fd, (const void *)b, c, number(words[3]));
    } else if (strcmp(name, "unmap") == 0) {
        result = munmap(a, b);
    } else if (strcmp(name, "protect") == 0) {
        result = mprotect(a, b, prot(words[2]));
    } else if (strcmp(name, "sync") == 0) {
        result = msync(a, b, (int)c);
    } else if (strcmp(name, "r") == 0) {
        result = *(volatile unsigned char *)a;
    } else {
        if (strcmp(name, "map") == 0)
            mapped(action, mmap(a, b, prot(words[2]), map_flags(words[3]), descriptor(words[4]),
                                number(words[5])));
        else if (strcmp(name, "remap") == 0)
            mapped(action, mremap(a, b, c, (int)number(words[3]), number(words[4])));
        else if (strcmp(name, "where") == 0)
            printf("%s: %lx\n", action, a);
        else if (strcmp(name, "w") == 0)
            *(volatile unsigned char *)a = (unsigned char)b;
        else if (strcmp(name, "x") == 0)
            ((void (*)(void))a)();
        else if (strcmp(name, "text") == 0)
            show_text(action, (const unsigned char *)a, b);
        else if (strcmp(name, "fill") == 0)
            memset((void *)a, (int)c, b);
        else if (strcmp(name, "sum") == 0)
            printf("%s: %08x\n", action, add(1, (const volatile unsigned char *)a, b));
        else if (strcmp(name, "drain") == 0)
            drain(action, fd, (unsigned char *)b, c);
        else if (strcmp(name, "put") == 0)
            memcpy((char *)a, words[1], strlen(words[1]) + 1);
        else if (strcmp(name, "nap") == 0)
            nanosleep(&(struct timespec){(long)a / 1000000, (long)a % 1000000 * 1000}, NULL);
        else if (strcmp(name, "spin") == 0)
            for (volatile unsigned long i = 0; i < a; i++)
                ;
        else if (strcmp(name, "flush") == 0)
            sync();
        else if (strcmp(name, "checkpoint") == 0)
            checkpoint();
        else
            return 0;
        return 1;
    }
    printf("%s: %ld\n", action, result);
    return 1;
}

/* Cut the part of an action behind its name into words. */
static void cut(char *rest)
{
    for (int n = 0; n < WORDS_MAX; n++) {
        char *comma = strchr(rest, ',');

        words[n] = rest;
        if (comma)
            *comma = '\0';
        rest = comma ? comma + 1 : rest + strlen(rest);
    }
}

int main(int argc, char *argv[])
{
    for (int i = 1; i < argc; i++) {
        char name[16] = "", rest[160] = "";
        const char *equals = strchr(argv[i], '=');
        size_t length = equals ? (size_t)(equals - argv[i]) : strlen(argv[i]);

        if (length < sizeof(name))
            memcpy(name, argv[i], length);
        if (equals && strlen(equals + 1) < sizeof(rest))
            memcpy(rest, equals + 1, strlen(equals + 1));
        cut(rest);
        if (!act(argv[i], name)) {
            dprintf(STDERR_FILENO, "mapper: no action is called %s\n", name);
            return 2;
        }
    }
    return 0;
}
