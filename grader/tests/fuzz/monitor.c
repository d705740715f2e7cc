/*
 * monitor.c: watches, from inside the kernel, programs that make system calls at random (program.c).
 *
 * Linked by grader/fuzz.py.  The deck runs again and again, in rounds; whoever has not ended after a while is ended
 * by SIGKILL.  After each round all must be there again: frames, the kernel's memory, references to files; and nobody
 * may be left.  Each call that was drawn is counted, and the last ones are in a ring, all in fuzz_result, which
 * fuzz.py reads when the machine is off.
 *
 * Bootargs: seed=, calls= (rounds go on until so many have been drawn), budget= (calls that a process of the deck
 * draws), first= (number of the first round), refuse=N (in every fourth round
 * one frame in N is refused, and in others the kernel has little memory for itself).  With a file /keep the drawn calls
 * that it does not name, by their 32-bit numbers, are not made, and return -ENOSYS.
 *
 * Reports "fuzz: failed: …" and powers off, or ends with "fuzz: N calls, N rounds".
 */
#include <stdbool.h>
#include <stddef.h>

#include "console.h"
#include "cpio.h"
#include "errno.h"
#include "file.h"
#include "frame.h"
#include "kernel_stack.h"
#include "kmalloc.h"
#include "memory.h"
#include "page_cache.h"
#include "page_table.h"
#include "panic.h"
#include "platform.h"
#include "print.h"
#include "riscv.h"
#include "runner.h"
#include "sbi.h"
#include "signal.h"
#include "slot.h"
#include "space.h"
#include "string.h"
#include "syscall.h"
#include "task.h"
#include "timer.h"
#include "trap.h"

/* As program.c has them: the mark of a drawn call, in the upper half of t0; a system call of our own. */
#define FUZZ_MARK 0x46555a5aUL
enum {
    SYS_FUZZ = 511,
    FUZZ_SEED = 0,
    FUZZ_BUDGET = 1,
    FUZZ_WRONG = 2,
    FUZZ_BAIT = 3,
    FUZZ_OTHER = 4,
    FUZZ_TORN = 5
};

enum {
    X_T0 = 5,
    RING = 1024,
    TEXT = 32,
    ERRNOS = 128,
    BAIT = 0x5c,
    STACKS = 300,
    HOARD = 80, /* pieces of the kernel's memory, */
    PIECE = 64 << 10,
    OUTPUT_MAX = 32,   /* bytes that a write() to the console may have: the log is to be read */
    PATIENCE_MS = 150, /* of guest time, for a round: then all are ended */
    END_MS = 20000,    /* for that: the disk may be slow, for the host is */
};

struct fuzz_count {
    uint64_t calls, successes, errors[ERRNOS / 64]; /* bit n: -n was returned */
};

struct fuzz_entry {
    uint64_t number, args[6];
    int64_t result;
    uint32_t id, pid, round, returned;
    char text[TEXT]; /* the path, if the call has one that can be read */
};

/* For fuzz.py, which knows how it is laid out. */
struct fuzz_result {
    uint64_t calls, rounds, unknown, refused, finished;
    struct fuzz_count counts[SYSCALL_LIMIT];
    uint64_t noted;
    struct fuzz_entry ring[RING];
};
extern struct fuzz_result fuzz_result;
struct fuzz_result fuzz_result;

/* Memory of the kernel's that programs know of: it stays as it is. */
static _Alignas(PAGE_SIZE) uint8_t bait[PAGE_SIZE];

static uint64_t seed, budget, refuse, round_number, drawn_by_deck;
static uint64_t deadline, end; /* of the round */
static long (*served[SYSCALL_LIMIT])(struct task *task, const uint64_t args[6]);

static uint64_t mix(uint64_t x)
{
    x ^= x >> 30, x *= 0xbf58476d1ce4e5b9UL;
    x ^= x >> 27, x *= 0x94d049bb133111ebUL;
    return x ^ x >> 31;
}

static _Noreturn void __attribute__((format(printf, 1, 2))) fail(const char *format, ...)
{
    char text[256];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    report("fuzz: failed: in round %lu: %s", round_number, text);
    power_off();
}

/* ---- frames: counted, and now and then refused ---- */

static long in_use; /* references to frames */
static bool refusing;

static const struct frames_ops *lower(void)
{
    return slot_below(frames, 9);
}

static void init(const struct region regions[], size_t count)
{
    lower()->init(regions, count);
}

static uintptr_t give(uintptr_t (*how)(void))
{
    static uint64_t state;
    if (refusing && refuse && mix(seed ^ (round_number << 32) ^ state++) % refuse == 0) {
        fuzz_result.refused++;
        return 0;
    }
    uintptr_t frame = how();
    in_use += frame != 0;
    return frame;
}

static uintptr_t alloc(void)
{
    return give(lower()->alloc);
}

/* Nobody may rely on what such a frame holds. */
static uintptr_t take(void)
{
    uintptr_t frame = give(lower()->take ? lower()->take : lower()->alloc);
    return frame ? (uintptr_t)memset((void *)frame, 0xa5, PAGE_SIZE) : 0;
}

static void get(uintptr_t frame)
{
    lower()->get(frame);
    in_use++;
}

static void put(uintptr_t frame)
{
    lower()->put(frame);
    in_use--;
}

static const struct frames_ops counted = {
    .init = init, .alloc = alloc, .get = get, .put = put, .take = take};
PROVIDE(frames, 9, counted);

/* ---- system calls ---- */

/* Is a drawn call to be made? */
static bool is_kept(uint32_t id)
{
    struct cpio_file keep;
    if (!cpio_find("/keep", &keep))
        return true;
    for (size_t at = 0; at + sizeof(id) <= keep.size; at += sizeof(id)) {
        uint32_t one;
        memcpy(&one, (const char *)keep.data + at, sizeof(one));
        if (one == id)
            return true;
    }
    return false;
}

/* Which argument of a call is a path; -1 if none is. */
static int path_of(uint64_t number)
{
    switch (number) {
    case SYS_TRUNCATE:
    case SYS_CHDIR:
    case SYS_EXECVE:
    case SYS_SPAWN:
        return 0;
    case SYS_OPENAT:
    case SYS_MKDIRAT:
    case SYS_UNLINKAT:
    case SYS_FACCESSAT:
    case SYS_NEWFSTATAT:
    case SYS_READLINKAT:
        return 1;
    default:
        return -1;
    }
}

/* What stands at an address of a program's, up to the end of its page, if that is there: nothing is brought in. */
static void peek(const struct space *space, uint64_t va, char text[TEXT])
{
    uint64_t pte = space && va < USER_END ? page_table->find(&space->table, page_down(va)) : 0;
    if (!(pte_prot(pte) & PROT_READ))
        return;
    const char *from = (const char *)pte_frame(pte) + va % PAGE_SIZE;
    size_t most = PAGE_SIZE - va % PAGE_SIZE;
    for (size_t n = 0; n < most && n < TEXT - 1 && from[n]; n++)
        text[n] = from[n];
}

/* Note a drawn call before it is made, or leave it out. */
static bool on_call(struct task *task, uint64_t cause)
{
    (void)cause;
    struct user_context *user = &task->user;
    uint64_t number = user->x[X_A7];
    if (user->x[X_T0] >> 32 != FUZZ_MARK)
        return false;
    uint32_t id = (uint32_t)user->x[X_T0];
    if (!is_kept(id)) {
        user->sepc += 4;
        user->x[X_A0] = (uint64_t)-ENOSYS;
        return true;
    }
    struct fuzz_entry *entry = &fuzz_result.ring[fuzz_result.noted++ % RING];
    *entry = (struct fuzz_entry){.number = number,
                                 .id = id,
                                 .pid = (uint32_t)task->process->pid,
                                 .round = (uint32_t)round_number};
    memcpy(entry->args, &user->x[X_A0], sizeof(entry->args));
    if (path_of(number) >= 0)
        peek(task->process->space, entry->args[path_of(number)], entry->text);
    fuzz_result.calls++;
    if (number >= SYSCALL_LIMIT || !syscall_table[number])
        fuzz_result.unknown++;
    return false;
}
TRAP_HANDLER(CAUSE_USER_ECALL, 9, on_call);

/* The entry of the call that a process is in. */
static struct fuzz_entry *entry_of(const struct task *task)
{
    uint64_t n = fuzz_result.noted, first = n > RING ? n - RING : 0;
    while (n-- > first) {
        struct fuzz_entry *entry = &fuzz_result.ring[n % RING];
        if (entry->pid == (uint32_t)task->process->pid)
            return entry->returned ? NULL : entry;
    }
    return NULL;
}

/* The areas of a space are in order, and do not overlap; those of the program are in its half. */
static void check_areas(unsigned number, const struct space *space)
{
    uint64_t end = 0;
    for (const struct area *area = NULL; space && (area = area_next(&space->areas, area));) {
        if (area->start < end || area->end <= area->start || area->start % PAGE_SIZE != 0 ||
            area->end % PAGE_SIZE != 0 || ((area->prot & PROT_USER) && area->end > USER_END))
            fail("after system call %u there is an area from 0x%lx to 0x%lx behind one to 0x%lx",
                 number, area->start, area->end, end);
        end = area->end;
    }
}

/* Does a call return at most the size that is its third argument? */
static bool has_limit(unsigned number)
{
    return number == SYS_READ || number == SYS_WRITE || number == SYS_PREAD64 ||
           number == SYS_PWRITE64 || number == SYS_GETDENTS64;
}

/* Which arguments of a call are addresses at which it has read or written something when it has worked. */
static unsigned addresses(unsigned number, const uint64_t args[6], long result)
{
    switch (number) {
    case SYS_GETCWD:
    case SYS_PIPE2:
    case SYS_UNAME:
    case SYS_TRUNCATE:
    case SYS_CHDIR:
    case SYS_EXECVE:
    case SYS_SPAWN:
    case SYS_NANOSLEEP:
        return 1;
    case SYS_TIMES:
        return args[0] ? 1 : 0;
    case SYS_FSTAT:
    case SYS_CLOCK_GETTIME:
    case SYS_GETRUSAGE:
    case SYS_OPENAT:
    case SYS_MKDIRAT:
    case SYS_UNLINKAT:
    case SYS_FACCESSAT:
        return 2;
    case SYS_GETRANDOM:
        return result > 0 ? 1 : 0;
    case SYS_READ:
    case SYS_WRITE:
    case SYS_PREAD64:
    case SYS_PWRITE64:
    case SYS_GETDENTS64:
        return result > 0 ? 2 : 0;
    case SYS_WAITID:
        return args[2] ? 4 : 0;
    case SYS_NEWFSTATAT:
    case SYS_MINCORE:
        return args[1] > 0 ? 4 : 0;
    case SYS_CLOCK_NANOSLEEP:
        return 4;
    case SYS_RT_SIGPROCMASK:
        return args[2] ? 4 : 0;
    case SYS_RT_SIGACTION:
        return (args[1] ? 2 : 0) | (args[2] ? 4 : 0);
    default:
        return 0;
    }
}

static void count(unsigned number, const struct task *task, long result)
{
    struct fuzz_count *to = &fuzz_result.counts[number];
    bool failed = result < 0 && result >= -4095;
    struct fuzz_entry *entry = entry_of(task);
    if (entry)
        entry->result = result, entry->returned = 1;
    to->calls++;
    if (has_limit(number) && !failed && (uint64_t)result > task->user.x[X_A0 + 2])
        fail("system call %u returned %ld, more than was asked for", number, result);
    unsigned used = failed ? 0 : addresses(number, task->user.x + X_A0, result);
    for (int i = 0; i < 6; i++)
        if (used >> i & 1 && task->user.x[X_A0 + i] - 1 >= USER_END - 1)
            fail("system call %u returned %ld, and its argument %d is 0x%lx", number, result, i,
                 task->user.x[X_A0 + i]);
    check_areas(number, task->process->space);
    if (!failed) {
        to->successes++;
        return;
    }
    if (strcmp(errno_name(result), "?") == 0)
        fail("system call %u returned %ld", number, result);
    if (result == -EIO)
        fail("system call %u returned -EIO, and the disk is in order", number);
    to->errors[-result / 64] |= 1UL << (-result % 64);
}

/* What a heap has lost is nobody's: brk(2) takes whatever lies there away. */
static void check_heap(const struct space *space, uint64_t end, uint64_t before)
{
    const struct area *area = area_find_from(&space->areas, page_up(end));
    if (end < before && area && area->start < page_up(before))
        fail("the heap has shrunk from 0x%lx to 0x%lx, and there is an area from 0x%lx on", before,
             end, area->start);
}

/* A call that a program has made, or another call for it, which is not counted. */
static long watch(unsigned number, struct task *task, const uint64_t args[6])
{
    bool is_drawn = task->user.x[X_A7] == number && task->user.x[X_T0] >> 32 == FUZZ_MARK;
    uint64_t copy[6];
    const struct file *file = number == SYS_WRITE ? file_get(task, args[0]) : NULL;
    if (file && file->ops->is_terminal && args[2] > OUTPUT_MAX) {
        memcpy(copy, args, sizeof(copy));
        copy[2] = OUTPUT_MAX;
        args = copy;
    }
    const struct space *space = task->process->space;
    uint64_t heap_end = space ? space->heap_end : 0;
    long result = served[number](task, args);
    if (number == SYS_BRK && space)
        check_heap(space, (uint64_t)result, heap_end);
    if (is_drawn)
        count(number, task, result);
    return result;
}

/* Each call of syscall.h needs a function that knows its number. */
/* clang-format off */
#define EACH(DO)                                                                            \
    DO(GETCWD) DO(DUP) DO(DUP3) DO(FCNTL) DO(IOCTL) DO(MKDIRAT) DO(UNLINKAT) DO(TRUNCATE)   \
    DO(FTRUNCATE) DO(FACCESSAT) DO(CHDIR) DO(OPENAT) DO(CLOSE) DO(PIPE2) DO(GETDENTS64)     \
    DO(LSEEK) DO(READ) DO(WRITE) DO(READV) DO(WRITEV) DO(PREAD64) DO(PWRITE64)              \
    DO(READLINKAT) DO(NEWFSTATAT) DO(FSTAT) DO(SYNC) DO(FSYNC) DO(FDATASYNC) DO(EXIT)       \
    DO(EXIT_GROUP) DO(WAITID) DO(SET_TID_ADDRESS) DO(SET_ROBUST_LIST) DO(NANOSLEEP)         \
    DO(CLOCK_GETTIME) DO(CLOCK_NANOSLEEP) DO(SCHED_YIELD) DO(KILL) DO(TGKILL)               \
    DO(RT_SIGACTION) DO(RT_SIGPROCMASK) DO(TIMES) DO(SETPGID) DO(GETPGID) DO(GETSID) DO(SETSID) DO(CLOCK_GETRES) DO(SETTIMEOFDAY) DO(UNAME) DO(GETRUSAGE) DO(GETTIMEOFDAY)  \
    DO(GETPID) DO(GETPPID) DO(GETUID) DO(GETEUID) DO(GETGID) DO(GETEGID) DO(GETTID)         \
    DO(BRK) DO(MUNMAP) DO(MREMAP) DO(CLONE) DO(EXECVE) DO(MMAP) DO(MPROTECT) DO(MSYNC)      \
    DO(MINCORE) DO(MADVISE) DO(WAIT4) DO(PRLIMIT64) DO(GETRANDOM) DO(SPAWN)                 \
    DO(SET_PRIORITY) DO(TRACE)
/* clang-format on */

#define WATCH(name)                                                     \
    static long watch_##name(struct task *task, const uint64_t args[6]) \
    {                                                                   \
        return watch(SYS_##name, task, args);                           \
    }
EACH(WATCH)

static long (*const watching[SYSCALL_LIMIT])(struct task *task, const uint64_t args[6]) = {
#define ENTRY(name) [SYS_##name] = watch_##name,
    EACH(ENTRY)};

/* fuzz(what, number, result): args[0] to args[2].  See fuzz_call.h. */
static long sys_fuzz(struct task *task, const uint64_t args[6])
{
    switch (args[0]) {
    case FUZZ_SEED:
        return (long)(mix((seed << 20 ^ round_number) * 64 + drawn_by_deck++) >> 32);
    case FUZZ_BUDGET:
        return (long)budget;
    case FUZZ_WRONG:
        fail("unknown system call %lu returned %ld", args[1], (long)args[2]);
    case FUZZ_OTHER:
        fail("process %d has label %lx, and its memory that of %lx", task->process->pid, args[1],
             args[2]);
    case FUZZ_TORN:
        fail("what processes have written to one %s is torn at byte %lu", args[1] ? "pipe" : "file",
             args[2]);
    case FUZZ_BAIT:
        return (long)bait;
    default:
        return -EINVAL;
    }
}

static void watch_all(void)
{
    memcpy(served, syscall_table, sizeof(served));
    for (unsigned number = 0; number < SYSCALL_LIMIT; number++) {
        if (syscall_table[number] && !watching[number])
            fail("system call %u is not watched: see monitor.c and program.c", number);
        if (syscall_table[number])
            syscall_table[number] = watching[number];
    }
    syscall_table[SYS_FUZZ] = sys_fuzz;
}
INITCALL(9, watch_all);

/* ---- rounds ---- */

/* Whoever is still there when time is up, is ended; and again, should there be new ones. */
static bool on_timer(struct task *task, uint64_t cause)
{
    (void)task, (void)cause;
    uint64_t now = time_now();
    if (!deadline || now < deadline)
        return false;
    for (struct task *one = NULL; (one = task_next(one));) {
        if (now > end)
            fail("process %d (%s) has not ended %d ms after SIGKILL: it is %s", one->process->pid,
                 one->process->name, END_MS,
                 one->state == TASK_WAITING    ? "waiting"
                 : one->state == TASK_FINISHED ? "not waited for"
                                               : "runnable");
        process_signal(one->process, SIGKILL);
    }
    return false;
}
TRAP_HANDLER(CAUSE_TIMER, 9, on_timer);

/* The tables for kernel stacks, which stay when the stacks go. */
static void make_tables_of_stacks(void)
{
    static uint64_t *stacks[STACKS];
    for (int i = 0; i < STACKS; i++)
        stacks[i] = kernel_stack_alloc();
    for (int i = 0; i < STACKS; i++)
        kernel_stack_free(stacks[i]);
}

static uint64_t option(const char *name, uint64_t otherwise)
{
    char text[24];
    if (!platform_option(name, text, sizeof(text)))
        return otherwise;
    uint64_t value = 0;
    for (const char *c = text; *c >= '0' && *c <= '9'; c++)
        value = value * 10 + (uint64_t)(*c - '0');
    return value;
}

static uint64_t files_in_use(void)
{
    return console_input.references * 1000UL + console_output.references;
}

/* In some rounds the kernel has little memory for itself: take nearly all, and give it back. */
static void *hoard[HOARD];

static void take_memory(void)
{
    size_t left = 12000 + mix(seed + round_number) % 60000;
    for (int i = 0; i < HOARD && kmalloc_free_bytes() > left + PIECE; i++)
        hoard[i] = kmalloc(PIECE);
}

static void give_memory_back(void)
{
    for (int i = 0; i < HOARD; i++) {
        kfree(hoard[i]);
        hoard[i] = NULL;
    }
}

/* A sum of the archive, whose files nobody can write. */
static uint64_t sum_of_archive(void)
{
    uint64_t sum = 0;
    for (uintptr_t at = (platform.initrd_start + 7) & ~7UL; at + 8 <= platform.initrd_end; at += 8)
        sum = sum * 31 + *(const uint64_t *)at;
    return sum;
}

static void play_round(void)
{
    const struct runner_ops *deck = slot_below(runner, 9);
    long frames_before = in_use;
    size_t heap_before = kmalloc_free_bytes(), cached = page_cache_frames();
    uint64_t files_before = files_in_use(), archive_before = sum_of_archive();
    drawn_by_deck = 0;
    deadline = time_now() + platform.timebase * PATIENCE_MS / 1000;
    end = deadline + platform.timebase * END_MS / 1000;
    refusing = round_number % 4 == 3;
    if (refuse && round_number % 4 == 1)
        take_memory();
    deck->run();
    give_memory_back();
    refusing = false;
    deadline = 0;
    if (task_next(NULL))
        fail("process %d is left", task_next(NULL)->process->pid);
    if (in_use != frames_before)
        fail("%ld references to frames more than before", in_use - frames_before);
    if (kmalloc_free_bytes() != heap_before)
        fail("%ld bytes of the kernel's memory have not come back",
             (long)heap_before - (long)kmalloc_free_bytes());
    if (page_cache_frames() != cached)
        fail("%zu frames are in the page cache, before there were %zu", page_cache_frames(),
             cached);
    if (files_in_use() != files_before)
        fail("the console has other references than before");
    if (sum_of_archive() != archive_before)
        fail("a file of the archive has changed");
    for (size_t i = 0; i < sizeof(bait); i++)
        if (bait[i] != BAIT)
            fail("a program's address has led a system call to the kernel's memory");
}

static void run(void)
{
    seed = option("seed", 1);
    budget = option("budget", 60);
    refuse = option("refuse", 0);
    round_number = option("first", 0);
    uint64_t calls = option("calls", 1000);
    memset(bait, BAIT, sizeof(bait));
    make_tables_of_stacks();
    for (; fuzz_result.calls < calls; round_number++) {
        uint64_t before = fuzz_result.calls;
        play_round();
        fuzz_result.rounds++;
        if (fuzz_result.calls == before)
            break; /* what is to be kept is not in this one */
    }
    fuzz_result.finished = 1;
    report("fuzz: %lu calls, %lu rounds", fuzz_result.calls, fuzz_result.rounds);
}

static const struct runner_ops in_rounds = {.run = run};
PROVIDE(runner, 9, in_rounds);
