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
 *     dup3=FD,FD,FLAGS  pipe       a pipe is two descriptors, with a letter each
 *     mkdir=PATH  rmdir=PATH  chdir=PATH  cwd (the last part of where it is)
 *     stat=PATH  fstat=FD          what it is (d, f, c or p), and how large a file is
 *     list=PATH                    the names in a directory, in the order of the alphabet
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
 * There may be several of it. WHO is a child's number (1 for the first), 0 for who asks, or "parent":
 *
 *     fork ... end                 what stands between, a child does, and exits with 0
 *     exec=PATH,WORD...            another program; spawn=PATH,WORD... as a child
 *     wait=WHO[,FLAGS]             for a child, or any: "1 exited 3", "1 killed 9", 0, or the error
 *     kill=WHO,SIGNAL  exit=CODE  parent (which of its ancestors is the parent: 1; 2: another one)
 *     heap=SIZE  stack  data       a letter for what brk() gives, for a part of the stack, of the program's data
 *     post=ADDRESS                 adds one to four bytes that others see, too
 *     until=ADDRESS,VALUE          lets others go on until it is so much
 *
 * Prints "ACTION: RESULT", RESULT being what the call returned; for map and remap the letter, if it worked; nothing
 * for w, x, put, fill, nap, spin, flush, checkpoint, post and until. Before what a child prints stand its number and
 * ">", before what a child's child does "1.2>". Exits with 0, or 2 for an action that it does not know. Linux: yes,
 * but where= says something else.
 */
#include <checkpoint.h>
#include <fcntl.h>
#include <mman.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wait.h>

enum { WORDS_MAX = 6, MAPPINGS_MAX = 26, FILES_MAX = 26, CHILDREN_MAX = 16 };

static unsigned long mappings[MAPPINGS_MAX];
static int mapping_count, files[FILES_MAX], file_count;

/* Who it is, as it prints; its children, and where it comes from. */
static char label[32];
static int children[CHILDREN_MAX], child_count, parent;

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
        printf("%s%s: %ld\n", label, action, address);
        return;
    }
    if (mapping_count == MAPPINGS_MAX)
        exit(3);
    mappings[mapping_count] = (unsigned long)address;
    printf("%s%s: %c\n", label, action, 'a' + mapping_count++);
}

static void show_text(const char *action, const unsigned char *bytes, unsigned long size)
{
    printf("%s%s: ", label, action);
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
        printf("%s%s: %ld\n", label, action, count);
    else
        printf("%s%s: %08x\n", label, action, total);
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

/* ---- names */

static void show_stat(const char *action, int error, const struct stat *stat)
{
    unsigned type = stat->st_mode >> 12;

    if (error)
        printf("%s%s: %d\n", label, action, error);
    else if (type == 8)
        printf("%s%s: f %ld\n", label, action, stat->st_size);
    else
        printf("%s%s: %c\n", label, action,
               type == 4   ? 'd'
               : type == 2 ? 'c'
               : type == 1 ? 'p'
                           : '?');
}

/* Read the names of a directory, one after the other. Returns how many, or a negative error. */
static long read_names(int fd, char *names, size_t size, const char *found[], long most)
{
    long count = 0, got;

    for (size_t used = 0; (got = getdents64(fd, names + used, size - used)) > 0;) {
        for (long at = 0; at < got && count < most;) {
            struct dirent *entry = (struct dirent *)(names + used + (size_t)at);

            found[count++] = entry->d_name;
            at += entry->d_reclen;
        }
        used += (size_t)got;
    }
    return got < 0 ? got : count;
}

static void list(const char *action, const char *path)
{
    enum { NAMES_MAX = 64 };
    static char names[4096] __attribute__((aligned(8)));
    static const char *found[NAMES_MAX];
    int fd = open(path, O_RDONLY);
    long count = fd < 0 ? fd : read_names(fd, names, sizeof(names), found, NAMES_MAX);

    printf("%s%s:", label, action);
    if (count < 0)
        printf(" %ld", count);
    for (long i = 0; i < count; i++) {
        long first = i;

        for (long j = i + 1; j < count; j++)
            if (strcmp(found[j], found[first]) < 0)
                first = j;
        printf(" %s", found[first]);
        found[first] = found[i];
    }
    printf("\n");
    if (fd >= 0)
        close(fd);
}

static void show_place(const char *action)
{
    char path[256] = "";
    long size = getcwd(path, sizeof(path));
    const char *last = path;

    for (const char *c = path; *c; c++)
        if (*c == '/' && c[1])
            last = c + 1;
    printf("%s%s: %s %s\n", label, action, last, size == (long)strlen(path) + 1 ? "yes" : "no");
}

/* As act(). */
static int act_on_names(const char *action, const char *name)
{
    struct stat stat;
    int fd = descriptor(words[0]), pair[2], result;

    if (strcmp(name, "mkdir") == 0) {
        result = mkdir(words[0]);
    } else if (strcmp(name, "rmdir") == 0) {
        result = rmdir(words[0]);
    } else if (strcmp(name, "chdir") == 0) {
        result = chdir(words[0]);
    } else if (strcmp(name, "dup3") == 0) {
        result = dup3(fd, descriptor(words[1]), (int)number(words[2]));
    } else if (strcmp(name, "pipe") == 0) {
        result = pipe2(pair, 0);
        opened(result ? result : pair[0]);
        opened(result ? result : pair[1]);
    } else {
        if (strcmp(name, "stat") == 0)
            show_stat(action, stat_path(words[0], &stat), &stat);
        else if (strcmp(name, "fstat") == 0)
            show_stat(action, fstat(fd, &stat), &stat);
        else if (strcmp(name, "list") == 0)
            list(action, words[0]);
        else if (strcmp(name, "cwd") == 0)
            show_place(action);
        else
            return 0;
        return 1;
    }
    printf("%s%s: %d\n", label, action, result);
    return 1;
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
            printf("%s%s: %lx\n", label, action, a);
        else if (strcmp(name, "w") == 0)
            *(volatile unsigned char *)a = (unsigned char)b;
        else if (strcmp(name, "x") == 0)
            ((void (*)(void))a)();
        else if (strcmp(name, "text") == 0)
            show_text(action, (const unsigned char *)a, b);
        else if (strcmp(name, "fill") == 0)
            memset((void *)a, (int)c, b);
        else if (strcmp(name, "sum") == 0)
            printf("%s%s: %08x\n", label, action, add(1, (const volatile unsigned char *)a, b));
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
    printf("%s%s: %ld\n", label, action, result);
    return 1;
}

/* ---- processes */

/* The pid of whom a word means; -1 for any. */
static int pid_of(const char *word)
{
    unsigned long child = number(word);

    if (strcmp(word, "any") == 0)
        return -1;
    if (strcmp(word, "parent") == 0)
        return parent;
    return child == 0 ? getpid() : child <= (unsigned long)child_count ? children[child - 1] : -2;
}

/* Who has this pid: a child's number, or 0. */
static int child_of(int pid)
{
    int child = child_count;

    while (child > 0 && children[child - 1] != pid)
        child--;
    return child;
}

/* Note a child, or say which error came instead. */
static void born(const char *action, int pid)
{
    if (pid >= 0 && child_count == CHILDREN_MAX)
        exit(3);
    if (pid >= 0)
        children[child_count++] = pid;
    printf("%s%s: %d\n", label, action, pid < 0 ? pid : child_count);
}

/* Be the child: nobody's parent, with a name. */
static void be_child(int before)
{
    char number[8];
    size_t length = strlen(label);

    snprintf(number, sizeof(number), "%d> ", child_count + 1);
    if (length > 0)
        label[length - 2] = '.'; /* "1> " becomes "1.2> " */
    snprintf(label + (length > 0 ? length - 1 : 0), 8, "%s", number);
    parent = before;
    child_count = 0;
}

static void wait_for(const char *action)
{
    int status, pid = waitpid(pid_of(words[0]), &status, (int)number(words[1]));

    if (pid <= 0)
        printf("%s%s: %d\n", label, action, pid);
    else if (WIFEXITED(status))
        printf("%s%s: %d exited %d\n", label, action, child_of(pid), WEXITSTATUS(status));
    else
        printf("%s%s: %d killed %d\n", label, action, child_of(pid), WTERMSIG(status));
}

/* Another program, with the words behind the first as its arguments, and that one's last part before them. */
static int begin_program(int (*how)(const char *path, char *const argv[], char *const envp[]))
{
    char *argv[WORDS_MAX + 1] = {words[0]};
    int count = 1;

    for (char *c = words[0]; *c; c++)
        if (*c == '/')
            argv[0] = c + 1;
    while (count < WORDS_MAX && *words[count])
        argv[count] = words[count], count++;
    argv[count] = NULL;
    return how(words[0], argv, (char *[]){NULL});
}

/* As act(). */
static int act_on_processes(const char *action, const char *name)
{
    static unsigned char data[3 * 4096] __attribute__((aligned(4096)));
    unsigned long a = number(words[0]);

    if (strcmp(name, "exec") == 0) {
        printf("%s%s: %d\n", label, action, begin_program(execve));
    } else if (strcmp(name, "spawn") == 0) {
        born(action, begin_program(spawn));
    } else if (strcmp(name, "wait") == 0) {
        wait_for(action);
    } else if (strcmp(name, "kill") == 0) {
        printf("%s%s: %d\n", label, action, kill(pid_of(words[0]), (int)number(words[1])));
    } else if (strcmp(name, "exit") == 0) {
        exit((int)a);
    } else if (strcmp(name, "parent") == 0) {
        printf("%s%s: %d\n", label, action, getppid() == parent ? 1 : 2);
    } else if (strcmp(name, "heap") == 0) {
        unsigned long end = brk(0);
        mapped(action, brk(end + a) == end + a ? (long)end : -1);
    } else if (strcmp(name, "stack") == 0) {
        /* Pages that no function called from here comes to. */
        mapped(action, ((long)__builtin_frame_address(0) - 0x4000) & ~0xfffL);
    } else if (strcmp(name, "data") == 0) {
        mapped(action, (long)data);
    } else if (strcmp(name, "post") == 0) {
        __atomic_add_fetch((unsigned *)a, 1, __ATOMIC_SEQ_CST);
    } else if (strcmp(name, "until") == 0) {
        while (__atomic_load_n((unsigned *)a, __ATOMIC_SEQ_CST) < number(words[1]))
            sched_yield();
    } else {
        return 0;
    }
    return 1;
}

/* The action behind the "end" that belongs to the "fork" at this place. */
static int behind_end(char *const argv[], int at)
{
    for (int depth = 1; depth > 0 && argv[at + 1];) {
        const char *next = argv[++at];
        depth += (strcmp(next, "fork") == 0) - (strcmp(next, "end") == 0);
    }
    return at;
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
        if (strcmp(argv[i], "end") == 0)
            return 0;
        if (strcmp(argv[i], "fork") == 0) {
            int before = getpid(), pid = fork();
            if (pid == 0) {
                be_child(before);
            } else {
                born(argv[i], pid);
                i = behind_end(argv, i);
            }
            continue;
        }
        char name[16] = "", rest[160] = "";
        const char *equals = strchr(argv[i], '=');
        size_t length = equals ? (size_t)(equals - argv[i]) : strlen(argv[i]);

        if (length < sizeof(name))
            memcpy(name, argv[i], length);
        if (equals && strlen(equals + 1) < sizeof(rest))
            memcpy(rest, equals + 1, strlen(equals + 1));
        cut(rest);
        if (!act(argv[i], name) && !act_on_names(argv[i], name) &&
            !act_on_processes(argv[i], name)) {
            dprintf(STDERR_FILENO, "mapper: no action is called %s\n", name);
            return 2;
        }
    }
    return 0;
}
