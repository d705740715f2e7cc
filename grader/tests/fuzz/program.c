/*
 * fuzz [LABEL BUDGET]: draws system calls, and makes them: known ones and unknown ones, with arguments that are right,
 * nearly right, and hostile; children do so, too, with a part of their parent's budget.  What is drawn follows from the
 * seed alone, so far as no answer comes in between.
 *
 * It is not part of the user programs: fuzz.py builds it, and monitor.c answers its call number 511.
 */
#include <fcntl.h>
#include <mman.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syscall.h>
#include <time.h>
#include <unistd.h>
#include <wait.h>

/*
 * Of a call that was drawn, t0 holds this in its upper half, and in the lower the call's number: the same for the same
 * seed whatever other calls have been left out before it.
 */
#define FUZZ_MARK 0x46555a5aUL

/* The monitor's own system call, with what it is asked for in a0. */
enum {
    SYS_FUZZ = 511,
    FUZZ_SEED = 0,   /* a number to draw from, another for each process of the deck in each round */
    FUZZ_BUDGET = 1, /* how many calls such a process is to draw */
    FUZZ_WRONG = 2,  /* complain: call number a1 returned a2 */
    FUZZ_OTHER = 4,  /* complain: this process, with label a1, has a page that says a2 */
    FUZZ_TORN =
        5, /* complain: what processes have written to a file (0) or a pipe (1), a1, is torn at byte a2 */
    FUZZ_BAIT = 3, /* an address in the kernel's memory where nobody may write */
};

enum {
    PAGE = 4096,
    ARENA = 8 * PAGE,
    PLACES = 8,
    KIN = 8,
    COUNT_BITS = 12,
    SIGCHLD = 17,
    AT_FDCWD = -100,
    ENOSYS_ = 38
};

/* What a process knows of itself.  Hostile calls may write over it: then it does something else. */
static struct {
    uint64_t random;
    uint32_t label, count;
    int budget;
    int kin[KIN];
    unsigned kin_next, places_next;
    struct {
        uint64_t start, size;
    } places[PLACES];
    uint64_t edge; /* behind it lies nothing */
    uint64_t bait; /* the kernel's */
} self;

/* Where most of what is right points to; and pages that may go, or get other permissions, and nobody needs. */
static _Alignas(PAGE) unsigned char arena[ARENA], victim[4 * PAGE];

/* Whose memory this is, in a page that no call is led to on purpose: what a fork() has to keep apart. */
static _Alignas(PAGE) volatile uint64_t owner[PAGE / sizeof(uint64_t)];
enum { OWNER_AT = 77, CALL_AT = 99 };
#define OWNER_MARK 0x4d494e45UL

/* ---- drawing ---- */

static uint64_t mix(uint64_t x)
{
    x ^= x >> 30, x *= 0xbf58476d1ce4e5b9UL;
    x ^= x >> 27, x *= 0x94d049bb133111ebUL;
    return x ^ x >> 31;
}

static uint64_t draw(void)
{
    return mix(self.random += 0x9e3779b97f4a7c15UL);
}

static uint64_t below(uint64_t limit)
{
    return draw() % limit;
}

static int one_in(uint64_t n)
{
    return below(n) == 0;
}

#define PICK(array) (array)[below(sizeof(array) / sizeof((array)[0]))]

/* Any number, most of them where something begins or ends. */
static uint64_t any_number(void)
{
    static const uint64_t corners[] = {0,
                                       1,
                                       2,
                                       7,
                                       8,
                                       0xfff,
                                       0x1000,
                                       0x1001,
                                       1 << 16,
                                       0x7fffffff,
                                       -(uint64_t)PAGE,
                                       -2UL * PAGE,
                                       -3UL * PAGE,
                                       -4UL * PAGE,
                                       -4UL * PAGE + 64,
                                       0x80000000,
                                       0xffffffff,
                                       0x100000000,
                                       0x100000001,
                                       1UL << 36,
                                       1UL << 38,
                                       1UL << 39,
                                       1UL << 62,
                                       INT64_MAX,
                                       1UL << 63,
                                       UINT64_MAX,
                                       -PAGE,
                                       -2 * PAGE,
                                       -4095UL,
                                       -8UL,
                                       0x80000000ff,
                                       (1UL << 38) - PAGE};
    switch (below(3)) {
    case 0:
        return draw() >> below(64);
    case 1:
        return PICK(corners) + below(3) - 1;
    default:
        return PICK(corners);
    }
}

/* An address at which there is something, or where it ends, or that is nobody's. */
static uint64_t any_address(void)
{
    extern char _start[], _end[];
    static const uint64_t fixed[] = {
        0, /* and what is the kernel's: its memory, the trampoline, the context, the devices */
        -(uint64_t)PAGE,
        -2UL * PAGE,
        -3UL * PAGE,
        -4UL * PAGE,
        -4UL * PAGE + 64,
        0x80000000,
        0x80200000,
        0x80400000,
        -(uint64_t)PAGE,
        -2UL * PAGE,
        -3UL * PAGE,
        -4UL * PAGE,
        0x10000000,
        0x10001000,
        0x0c000000,
        0x02000000,
        1UL << 36,
        1UL << 38,
        (1UL << 38) - PAGE,
        (1UL << 38) - (9 << 20),
        1UL << 39,
        0xffffffc000000000};
    uint64_t here = (uint64_t)&here;
    uint64_t at;
    switch (below(9)) {
    case 0:
        at = PICK(fixed);
        break;
    case 8:
        at = self.bait;
        break;
    case 1:
        at = (uint64_t)_start;
        break;
    case 2:
        at = (uint64_t)_end;
        break;
    case 3:
        at = here & -(uint64_t)PAGE;
        break;
    case 4:
        at = self.edge;
        break;
    case 5:
        return any_number();
    default: {
        unsigned n = (unsigned)below(PLACES);
        at = self.places[n].start + (one_in(2) ? self.places[n].size : 0);
        break;
    }
    }
    static const int64_t around[] = {0, 0, 0, 1, 8, -1, -8, -16, PAGE, -PAGE, PAGE - 4, 100};
    return at + (uint64_t)PICK(around);
}

/* Mostly memory that can be read and written. */
static uint64_t address(void)
{
    if (one_in(6))
        return any_address();
    uint64_t at = below(ARENA - 2 * PAGE);
    if (one_in(8))
        return (uint64_t)victim + at % sizeof(victim);
    if (one_in(5)) {
        unsigned n = (unsigned)below(PLACES);
        return self.places[n].start + at % (self.places[n].size | 1);
    }
    return (uint64_t)arena + (one_in(3) ? at : at & ~15UL);
}

static uint64_t page(void)
{
    unsigned n = (unsigned)below(PLACES);
    switch (below(8)) {
    case 0:
        return any_address();
    case 1:
        return any_address() & -(uint64_t)PAGE;
    case 2:
        return (uint64_t)victim + below(5) * PAGE;
    case 3: /* the heap's, which brk() moves */
        return ((uint64_t)syscall6(SYS_brk, 0, 0, 0, 0, 0, 0) & -(uint64_t)PAGE) + below(4) * PAGE -
               3 * PAGE;
    default:
        return self.places[n].start + below(self.places[n].size / PAGE + 1) * PAGE;
    }
}

static uint64_t size(void)
{
    static const uint64_t sizes[] = {0,    1,    8,    16,       24,       100,   512,
                                     4095, 4096, 4097, 2 * PAGE, 3 * PAGE, 20000, 65536};
    return one_in(10) ? any_number() : one_in(2) ? below(300) : PICK(sizes);
}

static uint64_t pages(void)
{
    return one_in(12) ? any_number() : one_in(40) ? below(64 << 20) : (1 + below(6)) * PAGE;
}

static uint64_t descriptor(void)
{
    static const uint64_t bad[] = {16,          17,         31,         32,
                                   63,          64,         0x7fffffff, 0x80000000,
                                   0x100000003, UINT64_MAX, 0xffffffff, (uint64_t)AT_FDCWD,
                                   1UL << 63};
    return one_in(10) ? PICK(bad) : one_in(8) ? below(16) : 3 + below(8);
}

static uint64_t directory(void)
{
    return one_in(4) ? descriptor() : (uint64_t)AT_FDCWD;
}

/* Some of the bits of a mask; now and then others. */
static uint64_t flags(uint64_t mask)
{
    uint64_t bits = draw() & mask;
    if (one_in(2))
        bits &= draw();
    return one_in(20) ? bits ^ 1UL << below(64) : bits;
}

static const char *const names[] = {"disk/a",
                                    "disk/b",
                                    "disk/c",
                                    "disk/text",
                                    "disk/dir/inner",
                                    "/disk/dir/new",
                                    "/disk/dir",
                                    "/disk",
                                    "/disk/",
                                    "disk/dir/..",
                                    "/disk/sub",
                                    "/disk/sub/x",
                                    "/disk/sub/y",
                                    "/",
                                    "/bin",
                                    "/bin/exit",
                                    "/text",
                                    "/dev",
                                    "/dev/null",
                                    "/bin/script",
                                    "a",
                                    "sub",
                                    "./a",
                                    "../disk/a",
                                    "text",
                                    "disk/none/x",
                                    "disk/text/x",
                                    "/bin/none",
                                    "/disk/.",
                                    "..",
                                    "/disk/A.long.name.longer.than.one.piece",
                                    "/disk/Ünïcode nämes too",
                                    "/disk/a*b",
                                    "/disk/CON"};

/* A path, as it should be in most cases. */
static uint64_t path(void)
{
    char *at = (char *)arena + ARENA - 2 * PAGE; /* to be replaced by the next one */
    const char *name = PICK(names);
    size_t length = strlen(name) + 1;
    switch (below(24)) {
    case 0:
        return any_address();
    case 1:
        return (uint64_t)memset(at, 'x', 1 + below(2 * PAGE - 1));
    case 2: /* it ends with the last byte that there is, or does not end there */
        length -= one_in(3);
        return (uint64_t)memcpy((char *)self.edge - length, name, length);
    case 3: { /* many pieces */
        size_t n = below(PAGE + 10);
        for (size_t i = 0; i < n; i++)
            at[i] = "/./.x"[i % 5];
        at[n] = '\0';
        return (uint64_t)at;
    }
    case 4: /* any bytes */
        for (size_t i = 0; i < 16; i++)
            at[i] = (char)draw();
        at[16] = '\0';
        return (uint64_t)at;
    case 5: /* a long one */
        memset(at, 'n', PAGE);
        memcpy(at, "/disk/", 6);
        at[5 + below(300)] = '\0';
        return (uint64_t)at;
    default:
        return (uint64_t)name;
    }
}

/* A program: one that fuzzes, in most cases, or that does not at all. */
static uint64_t program(void)
{
    static const char *const programs[] = {
        "/bin/fuzz",     "/bin/fuzz",     "/bin/fuzz",     "/bin/exit",  "/bin/exit",
        "/bin/hello",    "/bin/script",   "/bin/script2",  "/bin/text",  "/bin/damaged0",
        "/bin/damaged1", "/bin/damaged2", "/bin/damaged3", "/bin/empty", "disk/prog"};
    return one_in(8) ? path() : (uint64_t)PICK(programs);
}

/* Words for a program that is to fuzz, or any. */
static uint64_t vector(void)
{
    static char label[12], budget[12];
    static const char *words[16];
    snprintf(label, sizeof(label), "%x", self.label << 5 ^ self.count ^ 0x5a5a5);
    snprintf(budget, sizeof(budget), "%d", self.budget / 4);
    words[0] = "fuzz", words[1] = label, words[2] = budget, words[3] = NULL;
    switch (below(12)) {
    case 0:
        return 0;
    case 1:
        return any_address();
    case 2: /* it does not end */
        return (uint64_t)memcpy((char *)self.edge - 3 * sizeof(char *), words, 3 * sizeof(char *));
    case 3: /* an address that may be anything */
        words[below(3)] = (const char *)any_address();
        return (uint64_t)words;
    case 4: { /* many words, or large ones */
        const char **many = (const char **)(uintptr_t)(arena + PAGE);
        uint64_t n = below(600);
        for (uint64_t i = 0; i < n; i++)
            many[i] = PICK(names);
        many[n] = NULL;
        return (uint64_t)many;
    }
    default:
        return (uint64_t)words;
    }
}

/* Pieces for readv() and writev(). */
static uint64_t pieces(void)
{
    uint64_t *at = (uint64_t *)(uintptr_t)(arena + 2 * PAGE);
    if (one_in(10))
        return any_address();
    for (int i = 0; i < 8; i++)
        at[2 * i] = address(), at[2 * i + 1] = one_in(8) ? any_number() : below(500);
    return (uint64_t)at;
}

/* A time, short in most cases. */
static uint64_t duration(void)
{
    struct timespec *at = (struct timespec *)(uintptr_t)(arena + 3 * PAGE);
    *at = (struct timespec){0, (long)below(3000000)};
    if (one_in(12))
        at->tv_sec = (long)any_number();
    if (one_in(12))
        at->tv_nsec = (long)any_number();
    return one_in(10) ? any_address() : (uint64_t)at;
}

static uint64_t pid(void)
{
    static const uint64_t fixed[] = {0, UINT64_MAX, 1, 2, 0x80000000, 0x7fffffff, 0xffffffff};
    switch (below(4)) {
    case 0:
        return one_in(3) ? PICK(fixed) : below(200);
    case 1:
        return (uint64_t)syscall6(SYS_getpid, 0, 0, 0, 0, 0, 0);
    default:
        return (uint64_t)self.kin[below(KIN)];
    }
}

/* ---- the calls ---- */

enum kind {
    NONE,
    ANY,
    ADDRESS,
    PAGE_AT,
    SIZE,
    PAGES,
    FD,
    DIRECTORY,
    PATH,
    PROGRAM,
    VECTOR,
    PIECES,
    DURATION,
    PID,
    SIGNAL,
    SMALL,
    OFFSET,
    BRK,
    CLONE_FLAGS,
    STACK,
    BITS /* and the mask */
};
#define MASK(bits) (BITS + ((unsigned)(bits) << 8))

static const struct row {
    unsigned short number, weight;
    unsigned kinds[6];
} rows[] = {
    {SYS_getcwd, 3, {ADDRESS, SIZE}},
    {SYS_dup, 4, {FD}},
    {SYS_dup3, 6, {FD, FD, MASK(02000000 >> 0)}},
    {SYS_fcntl, 6, {FD, SMALL, SMALL}},
    {SYS_ioctl, 4, {FD, SMALL, ADDRESS}},
    {SYS_mkdirat, 6, {DIRECTORY, PATH, ANY}},
    {SYS_unlinkat, 6, {DIRECTORY, PATH, MASK(0x200)}},
    {SYS_truncate, 4, {PATH, OFFSET}},
    {SYS_ftruncate, 8, {FD, OFFSET}},
    {SYS_faccessat, 4, {DIRECTORY, PATH, SMALL}},
    {SYS_chdir, 4, {PATH}},
    {SYS_openat, 40, {DIRECTORY, PATH, MASK(06307), ANY}},
    {SYS_close, 10, {FD}},
    {SYS_pipe2, 8, {ADDRESS, MASK(02004000)}},
    {SYS_getdents64, 6, {FD, ADDRESS, SIZE}},
    {SYS_lseek, 6, {FD, OFFSET, SMALL}},
    {SYS_read, 20, {FD, ADDRESS, SIZE}},
    {SYS_write, 20, {FD, ADDRESS, SIZE}},
    {SYS_readv, 8, {FD, PIECES, SMALL}},
    {SYS_writev, 8, {FD, PIECES, SMALL}},
    {SYS_pread64, 8, {FD, ADDRESS, SIZE, OFFSET}},
    {SYS_pwrite64, 8, {FD, ADDRESS, SIZE, OFFSET}},
    {SYS_readlinkat, 3, {DIRECTORY, PATH, ADDRESS, SIZE}},
    {SYS_newfstatat, 6, {DIRECTORY, PATH, ADDRESS, MASK(0x1900)}},
    {SYS_fstat, 4, {FD, ADDRESS}},
    {SYS_sync, 1, {NONE}},
    {SYS_fsync, 3, {FD}},
    {SYS_fdatasync, 3, {FD}},
    {SYS_exit, 1, {ANY}},
    {SYS_exit_group, 1, {ANY}},
    {SYS_waitid, 6, {SMALL, PID, ADDRESS, MASK(15), ADDRESS}},
    {SYS_set_tid_address, 2, {ADDRESS}},
    {SYS_set_robust_list, 2, {ADDRESS, SIZE}},
    {SYS_nanosleep, 4, {DURATION, ADDRESS}},
    {SYS_clock_gettime, 4, {SMALL, ADDRESS}},
    {SYS_clock_getres, 3, {SMALL, ADDRESS}},
    {SYS_clock_nanosleep, 3, {SMALL, MASK(1), DURATION, ADDRESS}},
    {SYS_sched_yield, 4, {NONE}},
    {SYS_kill, 5, {PID, SIGNAL}},
    {SYS_tgkill, 3, {PID, PID, SIGNAL}},
    {SYS_rt_sigaction, 6, {SIGNAL, ADDRESS, ADDRESS, SMALL}},
    {SYS_rt_sigprocmask, 4, {SMALL, ADDRESS, ADDRESS, SMALL}},
    {SYS_times, 3, {ADDRESS}},
    {SYS_setpgid, 6, {PID, PID}},
    {SYS_getpgid, 3, {PID}},
    {SYS_getsid, 3, {PID}},
    {SYS_setsid, 3, {NONE}},
    {SYS_uname, 3, {ADDRESS}},
    {SYS_getrusage, 4, {SMALL, ADDRESS}},
    {SYS_gettimeofday, 3, {ADDRESS, ADDRESS}},
    {SYS_settimeofday, 3, {ADDRESS, ADDRESS}},
    {SYS_getpid, 1, {NONE}},
    {SYS_getppid, 2, {NONE}},
    {SYS_getuid, 1, {NONE}},
    {SYS_geteuid, 1, {NONE}},
    {SYS_getgid, 1, {NONE}},
    {SYS_getegid, 1, {NONE}},
    {SYS_gettid, 1, {NONE}},
    {SYS_brk, 10, {BRK}},
    {SYS_munmap, 10, {PAGE_AT, PAGES}},
    {SYS_mremap, 14, {PAGE_AT, PAGES, PAGES, MASK(3), PAGE_AT}},
    {SYS_clone, 16, {CLONE_FLAGS, STACK, ADDRESS, ANY, ADDRESS}},
    {SYS_execve, 4, {PROGRAM, VECTOR, VECTOR}},
    {SYS_mmap, 40, {PAGE_AT, PAGES, MASK(7), MASK(0x8033), FD, OFFSET}},
    {SYS_mprotect, 12, {PAGE_AT, PAGES, MASK(7)}},
    {SYS_msync, 6, {PAGE_AT, PAGES, MASK(7)}},
    {SYS_mincore, 6, {PAGE_AT, PAGES, ADDRESS}},
    {SYS_madvise, 8, {PAGE_AT, PAGES, SMALL}},
    {SYS_wait4, 16, {PID, ADDRESS, MASK(11), ADDRESS}},
    {SYS_prlimit64, 3, {PID, SMALL, ADDRESS, ADDRESS}},
    {SYS_getrandom, 4, {ADDRESS, SIZE, MASK(7)}},
    {SYS_spawn, 8, {PROGRAM, VECTOR, VECTOR}},
    {SYS_set_priority, 3, {SIZE}},
    {SYS_trace, 4, {SMALL, ADDRESS, SMALL}},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]), UNKNOWN_IN = 30 };

static uint64_t offset(void)
{
    return one_in(8) ? any_number() : one_in(2) ? below(8) * PAGE : below(40000);
}

static uint64_t clone_flags(void)
{
    return one_in(3) ? SIGCHLD | flags(0x1384100) : SIGCHLD;
}

static uint64_t argument(unsigned kind)
{
    if (one_in(25))
        return any_number();
    switch (kind & 0xff) {
    case ADDRESS:
        return address();
    case PAGE_AT:
        return page();
    case SIZE:
        return size();
    case PAGES:
        return pages();
    case FD:
        return descriptor();
    case DIRECTORY:
        return directory();
    case PATH:
        return path();
    case PROGRAM:
        return program();
    case VECTOR:
        return vector();
    case PIECES:
        return pieces();
    case DURATION:
        return duration();
    case PID:
        return pid();
    case SIGNAL:
        return below(70);
    case SMALL:
        return below(10);
    case OFFSET:
        return offset();
    case BRK:
        return (uint64_t)syscall6(SYS_brk, 0, 0, 0, 0, 0, 0) + below(8 * PAGE) - 3 * PAGE;
    case CLONE_FLAGS:
        return clone_flags();
    case STACK:
        return one_in(12) ? any_address() : 0;
    case BITS:
        return flags(kind >> 8);
    default:
        return any_number();
    }
}

/* As syscall6(), with the number of the draw where the monitor looks for it. */
static long marked(uint64_t number, const uint64_t args[6], uint64_t mark)
{
    register uint64_t a7 __asm__("a7") = number;
    register uint64_t t0 __asm__("t0") = mark;
    register uint64_t a0 __asm__("a0") = args[0];
    register uint64_t a1 __asm__("a1") = args[1];
    register uint64_t a2 __asm__("a2") = args[2];
    register uint64_t a3 __asm__("a3") = args[3];
    register uint64_t a4 __asm__("a4") = args[4];
    register uint64_t a5 __asm__("a5") = args[5];
    /* Calls that are not drawn leave t0 as it is. */
    __asm__ volatile("ecall\n li t0, 0"
                     : "+r"(a0), "+r"(t0)
                     : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7)
                     : "memory");
    return (long)a0;
}

/* What a call is about: 1 files, 2 memory, 3 processes and all else. */
static unsigned theme_of(const struct row *row)
{
    unsigned n = row->number;
    if (n < SYS_exit)
        return 1;
    return (n >= SYS_brk && n <= SYS_mremap) || (n >= SYS_mmap && n <= SYS_madvise) ? 2 : 3;
}

static const struct row *draw_any_row(void)
{
    static unsigned total;
    if (total == 0)
        for (int i = 0; i < ROWS; i++)
            total += rows[i].weight;
    uint64_t at = below(total);
    const struct row *row = rows;
    while (at >= row->weight)
        at -= row++->weight;
    return row;
}

/* One in four processes does everything alike, all others have a theme that most of their calls are about. */
static const struct row *draw_row(void)
{
    unsigned theme = self.label % 4;
    const struct row *row = draw_any_row();
    while (theme != 0 && theme_of(row) != theme && !one_in(4))
        row = draw_any_row();
    return row;
}

static int is_known(uint64_t number)
{
    for (int i = 0; i < ROWS; i++)
        if (rows[i].number == number)
            return 1;
    return number == SYS_FUZZ;
}

/* What makes calls useful that would otherwise be refused nearly always. */
static void adapt(uint64_t number, uint64_t args[6])
{
    if (number == SYS_mmap && !one_in(8)) {
        args[3] &= one_in(4) ? ~0UL : ~(uint64_t)MAP_FIXED;
        args[3] = (args[3] & ~3UL) | (one_in(2) ? MAP_PRIVATE : MAP_SHARED);
        args[5] &= -(uint64_t)PAGE;
        if (one_in(2))
            args[3] |= MAP_ANONYMOUS;
        if (one_in(2))
            args[0] = 0;
    }
    /* Memory of its own is needed for more. */
    if ((number == SYS_munmap || number == SYS_mprotect || number == SYS_mmap ||
         number == SYS_mremap) &&
        args[0] < 1 << 24 && !one_in(30))
        args[0] = self.places[0].start;
    if (number == SYS_wait4 && !one_in(6))
        args[2] |= 1; /* WNOHANG */
    if (number == SYS_waitid && !one_in(6))
        args[0] %= 3, args[3] |= 5; /* WNOHANG, WEXITED */
    if (number == SYS_pipe2 && !one_in(5))
        args[1] |= 04000; /* O_NONBLOCK */
    if (number == SYS_kill && ((int)args[0] == 0 || (int)args[0] == -1) && !one_in(10))
        args[1] = SIGCHLD; /* else there is soon nobody left */
    if ((number == SYS_rt_sigaction || number == SYS_rt_sigprocmask) && !one_in(6))
        args[3] = 8;
    if (number == SYS_set_robust_list && one_in(2))
        args[1] = 24;
    if (number == SYS_prlimit64 && one_in(2))
        args[2] = 0;
    if (number == SYS_tgkill && one_in(2))
        args[1] = args[0];
    if (number == SYS_ioctl && one_in(2))
        args[1] = one_in(2) ? 0x5401 : 0x5413, args[0] = one_in(2) ? 0 : args[0];
    if (number == SYS_openat && !one_in(4))
        args[2] &= ~0201UL; /* nearly all can be read, and need not be new */
}

/* Now and then, let what begins at an address end where addresses begin again. */
static void wrap(const struct row *row, uint64_t args[6])
{
    for (int i = 0; i < 5; i++) {
        unsigned kind = row->kinds[i], next = row->kinds[i + 1];
        if (!(kind == ADDRESS && next == SIZE) && !(kind == PAGE_AT && next == PAGES))
            continue;
        if (!one_in(15))
            continue;
        if (one_in(2))
            args[i] = kind == ADDRESS ? -1 - below(300) : -(1 + below(4)) * PAGE;
        args[i + 1] = below(2 * PAGE) - args[i];
    }
}

static void begin(uint32_t label, int budget)
{
    self.label = label & ((1 << (32 - COUNT_BITS)) - 1);
    self.random = mix(label);
    self.count = 0;
    self.budget = budget;
    owner[OWNER_AT] = OWNER_MARK << 32 | self.label;
}

/* The page may have been unmapped, or anything been read into it; but it never says that it is another's. */
static void check_owner(void)
{
    uint64_t found = owner[OWNER_AT];
    if (found >> 32 == OWNER_MARK && (uint32_t)found != self.label)
        syscall6(SYS_FUZZ, FUZZ_OTHER, self.label, (long)(uint32_t)found, 0, 0, 0);
}

/* What has come of a call that worked. */
static void note(uint64_t number, const uint64_t args[6], long result)
{
    if (number == SYS_mmap || number == SYS_mremap) {
        unsigned n = self.places_next++ % PLACES;
        self.places[n].start = (uint64_t)result;
        self.places[n].size = number == SYS_mmap ? args[1] : args[2];
    } else if ((number == SYS_clone || number == SYS_spawn) && result > 0) {
        self.kin[self.kin_next++ % KIN] = (int)result;
        self.budget -= self.budget / 4;
    }
}

static void draw_call(void)
{
    uint64_t args[6], number;
    if (one_in(UNKNOWN_IN)) {
        do
            number = one_in(2) ? below(512) : any_number();
        while (is_known(number));
        for (int i = 0; i < 6; i++)
            args[i] = any_number();
    } else {
        const struct row *row = draw_row();
        number = row->number;
        for (int i = 0; i < 6; i++)
            args[i] = argument(row->kinds[i]);
        wrap(row, args);
        adapt(number, args);
    }
    uint32_t id = self.label << COUNT_BITS | (self.count++ & ((1 << COUNT_BITS) - 1));
    owner[CALL_AT] = OWNER_MARK << 32 | id;
    long result = marked(number, args, FUZZ_MARK << 32 | id);
    if (number == SYS_clone && result == 0) {
        /* What it was when the child was made, whatever the parent has done since. */
        uint64_t found = owner[CALL_AT];
        if (found >> 32 == OWNER_MARK && (uint32_t)found != id)
            syscall6(SYS_FUZZ, FUZZ_OTHER, id, (long)(uint32_t)found, 0, 0, 0);
        begin((uint32_t)mix(id), self.budget / 4);
        return;
    }
    if (!is_known(number) && result != -ENOSYS_)
        syscall6(SYS_FUZZ, FUZZ_WRONG, (long)number, result, 0, 0, 0);
    if (result >= 0 || result < -4095)
        note(number, args, result);
}

/* ---- one open file, and several that write to it ---- */

/*
 * A record is its writer's number, its size in two bytes, and its writer's sign, again and again.  Writers leave a word
 * in memory that they share with their parent: they have come to their end, and all that they wrote was written whole.
 */
enum { RECORD_HEAD = 4, RECORD_MAX = 6000, RECORDS = 6, WRITERS = 2, SHARED_MAX = 2 * 6 * 6000 };
enum { SIGN_AT = 3, TO_FILE = 0, TO_PIPE = 1 };

static void write_records(int fd, int writer, int is_pipe, volatile unsigned char *whole)
{
    static unsigned char record[RECORD_MAX];
    for (int n = 0; n < RECORDS; n++) {
        uint64_t most = is_pipe ? PAGE : RECORD_MAX, piece[4];
        uint64_t length = RECORD_HEAD + below(one_in(2) ? most - RECORD_HEAD + 1 : 300);
        memset(record, '0' + writer, length);
        record[1] = (unsigned char)length, record[2] = (unsigned char)(length >> 8);
        piece[1] = below(length), piece[3] = length - piece[1];
        piece[0] = (uint64_t)record, piece[2] = piece[0] + piece[1];
        long count = one_in(3) ? syscall6(SYS_writev, fd, (long)piece, 2, 0, 0, 0)
                               : write(fd, record, length);
        if (count != (long)length)
            return; /* the disk is full, or memory; or a reader has gone */
        if (one_in(4))
            syscall6(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
    }
    whole[writer] = 1;
}

/* Read all there is, and look for records that others lie in.  Returns where one is torn, or -1. */
static long find_torn(int fd)
{
    static unsigned char all[SHARED_MAX + RECORD_HEAD];
    long size = 0, count, at = 0;
    while (size < SHARED_MAX && (count = read(fd, all + size, (size_t)(SHARED_MAX - size))) > 0)
        size += count;
    while (at < size) {
        long length = all[at + 1] | all[at + 2] << 8, n = SIGN_AT;
        while (n < length && at + n < size && all[at + n] == all[at])
            n++;
        if (length < RECORD_HEAD || n < length)
            return at + n;
        at += length;
    }
    return -1;
}

/* Have two children write to what one descriptor is, and look at it. */
static void share(void)
{
    int ends[2] = {-1, -1}, is_pipe = one_in(2), kin[WRITERS], good = 1, status;
    char path[20];
    snprintf(path, sizeof(path), "/disk/w%x", self.label & 0xfffff);
    long shared = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared < 0 && shared >= -4095)
        return;
    volatile unsigned char *whole = (volatile unsigned char *)shared;
    if (is_pipe)
        syscall6(SYS_pipe2, (long)ends, 0, 0, 0, 0, 0);
    else
        ends[1] = open(path, O_RDWR | O_CREAT | O_TRUNC | (one_in(2) ? O_APPEND : 0));
    for (int n = 0; n < WRITERS; n++) {
        kin[n] = ends[1] < 0 ? -1 : fork();
        if (kin[n] == 0) {
            self.random ^= mix((uint64_t)n + 1);
            write_records(ends[1], n, is_pipe, whole);
            syscall6(SYS_exit, 0, 0, 0, 0, 0, 0);
        }
    }
    if (is_pipe)
        close(ends[1]);
    long torn = -1;
    if (is_pipe && ends[0] >= 0)
        torn = find_torn(ends[0]);
    for (int n = 0; n < WRITERS; n++)
        good &= kin[n] > 0 && waitpid(kin[n], &status, 0) == kin[n] && whole[n];
    if (!is_pipe && ends[1] >= 0) {
        syscall6(SYS_lseek, ends[1], 0, 0, 0, 0, 0);
        torn = find_torn(ends[1]);
        close(ends[1]);
        unlink(path);
    }
    close(ends[0]);
    munmap((unsigned long)shared, PAGE);
    if (good && torn >= 0)
        syscall6(SYS_FUZZ, FUZZ_TORN, is_pipe ? TO_PIPE : TO_FILE, torn, 0, 0, 0);
}

/* Use memory, which may be nobody's. */
static void touch(void)
{
    volatile unsigned char *at = one_in(60) ? (unsigned char *)any_address() : arena + below(ARENA);
    unsigned n = (unsigned)below(PLACES);
    if (one_in(4) && self.places[n].size >= PAGE)
        at = (unsigned char *)self.places[n].start + below(self.places[n].size);
    if (one_in(2))
        *at = (unsigned char)draw();
    else
        (void)*at;
}

int main(int argc, char *argv[])
{
    if (argc > 2)
        begin((uint32_t)strtoul(argv[1], NULL, 16), (int)strtol(argv[2], NULL, 10));
    else
        begin((uint32_t)syscall6(SYS_FUZZ, FUZZ_SEED, 0, 0, 0, 0, 0),
              (int)syscall6(SYS_FUZZ, FUZZ_BUDGET, 0, 0, 0, 0, 0));
    /* What children print is nobody's. */
    int null = open("/dev/null", O_RDWR);
    syscall6(SYS_dup3, null, 1, 0, 0, 0, 0);
    syscall6(SYS_dup3, null, 2, 0, 0, 0, 0);
    close(null);
    /* What most calls on descriptors need. */
    open("/disk/text", O_RDWR);
    open("/text", O_RDONLY);
    open("/disk/dir", O_RDONLY);
    syscall6(SYS_pipe2, (long)arena, 04000, 0, 0, 0, 0);
    open("/disk/a", O_RDWR | O_CREAT | O_APPEND);
    self.bait = (uint64_t)syscall6(SYS_FUZZ, FUZZ_BAIT, 0, 0, 0, 0, 0);
    long edge = mmap(0, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (edge < 0 && edge >= -4095)
        return 1; /* there is no memory */
    munmap((uint64_t)edge + 2 * PAGE, PAGE);
    self.edge = (uint64_t)edge + 2 * PAGE;
    for (int n = 0; n < PLACES; n++)
        self.places[n].start = (uint64_t)edge, self.places[n].size = 2 * PAGE;
    if (argc <= 2 && one_in(3))
        share();
    while (self.budget-- > 0) {
        draw_call();
        check_owner();
        if (one_in(6))
            touch();
    }
    return 0;
}
