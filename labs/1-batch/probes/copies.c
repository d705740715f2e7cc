/*
 * copies.c: the three functions of the slot user_memory against the words of their contract (bootargs
 * probe=copies).  Nothing of lab 1 calls out() and string(); all later labs do.
 *
 * The first word of the result is how many calls were made, when all have been; the second has a bit for each
 * function that went wrong, 1 in, 2 out, 4 string, and 8 when the probe has come to its end.  klog() names the first few.
 */
#include "errno.h"
#include "job.h"
#include "loader.h"
#include "platform.h"
#include "print.h"
#include "slot.h"
#include "string.h"
#include "task.h"
#include "user_memory.h"

enum { IN = 1, OUT = 2, STRING = 4, ENDED = 8 };
enum { MOST = 256 << 10, GUARD = 16, FILL = 0xa7, LONG = 70000, SHOWN = 4 };

extern uint64_t probe_result[2];

static struct task *task; /* not the current one: each function is told whose memory is meant */
static struct region memory;
static uint64_t calls;
static unsigned char buffer[MOST + GUARD], secret[GUARD];

static void judge(int function, bool right, uint64_t address, size_t size, long result)
{
    static const char *const names[] = {[IN] = "in", [OUT] = "out", [STRING] = "string"};
    static int shown;
    calls++;
    if (right)
        return;
    probe_result[1] |= (uint64_t)function;
    if (shown++ < SHOWN)
        klog("user_memory->%s() of %lu bytes at 0x%lx, of a program at 0x%lx-0x%lx: result %ld, or "
             "what it has copied, is wrong",
             names[function], size, address, memory.start, memory.end, result);
}

/* What byte n of a copy is, in the program's memory or in the kernel's. */
static unsigned char pattern(size_t n, unsigned char seed)
{
    return (unsigned char)(seed + n * 37 + (n >> 8));
}

static bool is(const unsigned char *at, size_t size, unsigned char byte)
{
    for (size_t i = 0; i < size; i++)
        if (at[i] != byte)
            return false;
    return true;
}

static bool has_pattern(const unsigned char *at, size_t size, unsigned char seed)
{
    for (size_t i = 0; i < size; i++)
        if (at[i] != pattern(i, seed))
            return false;
    return true;
}

static void fill(unsigned char *at, size_t size, unsigned char seed)
{
    for (size_t i = 0; i < size; i++)
        at[i] = pattern(i, seed);
}

/* A range that is the program's: every byte arrives, and no other changes. */
static void good(uint64_t address, size_t size)
{
    unsigned char *program = (unsigned char *)address; /* without paging */
    bool before = address > memory.start, behind = address + size < memory.end;

    fill(program, size, 1);
    memset(buffer, FILL, sizeof(buffer));
    long result = user_memory->in(task, buffer, address, size);
    judge(IN,
          result == 0 && has_pattern(buffer, size, 1) && is(buffer + size, GUARD, FILL) &&
              has_pattern(program, size, 1),
          address, size, result);

    fill(buffer, size, 2);
    if (before)
        program[-1] = FILL;
    if (behind)
        program[size] = FILL;
    result = user_memory->out(task, address, buffer, size);
    judge(OUT,
          result == 0 && has_pattern(program, size, 2) && (!before || program[-1] == FILL) &&
              (!behind || program[size] == FILL),
          address, size, result);
}

/* A range that is not, or not all of it. */
static void bad(uint64_t address, size_t size)
{
    long result = user_memory->in(task, buffer, address, size);
    judge(IN, result == -EFAULT, address, size, result);
    memset(secret, FILL, sizeof(secret));
    result = user_memory->out(task, address, buffer, size);
    judge(OUT, result == -EFAULT && is(secret, sizeof(secret), FILL), address, size, result);
}

/* No byte at all is inside wherever it is. */
static void nothing(uint64_t address)
{
    long result = user_memory->in(task, buffer, address, 0);
    judge(IN, result == 0, address, 0, result);
    result = user_memory->out(task, address, buffer, 0);
    judge(OUT, result == 0, address, 0, result);
}

/* What string() does with size bytes of room.  wanted: the string's length, or an error. */
static void string(uint64_t address, size_t size, long wanted)
{
    size_t room = size < MOST ? size : MOST;
    memset(buffer, FILL, sizeof(buffer));
    long result = user_memory->string(task, (char *)buffer, address, size);
    bool right = result == wanted && is(buffer + room, GUARD, FILL);
    if (right && wanted >= 0)
        right = memcmp(buffer, (const void *)address, (size_t)wanted + 1) == 0;
    judge(STRING, right, address, size, result);
}

/* length bytes of a string that is the program's, and its NUL. */
static void put(uint64_t address, size_t length)
{
    unsigned char *at = (unsigned char *)address;
    for (size_t i = 0; i < length; i++)
        at[i] = (unsigned char)(1 + i % 255);
    at[length] = '\0';
}

static void ranges(void)
{
    uint64_t start = memory.start, end = memory.end, size = end - start, far = 1UL << 32;

    good(start, 1);
    good(start, size);
    good(start + 7, 4099);
    good(end - 1, 1);
    good(end - 24, 24);
    const uint64_t anywhere[] = {0, 8, start, end, end + 1, far, 1UL << 63, UINT64_MAX};
    for (size_t i = 0; i < sizeof(anywhere) / sizeof(*anywhere); i++)
        nothing(anywhere[i]);

    const struct {
        uint64_t address, size;
    } outside[] = {
        {0, 1},
        {0x10, 16},
        {UART0, 1},
        {(uintptr_t)secret, sizeof(secret)},
        {start - 1, 1},
        {start - 1, 2},
        {start - 8, size + 16},
        {end - 1, 2},
        {end - 16, 17},
        {end, 1},
        {end + 4096, 16},
        {start, size + 1},
        /* What is inside when an address or a length is cut to 32 bits, or to 31. */
        {start + far, 16},
        {start | 1UL << 63, 16},
        {start, far},
        {start, far + 8},
        {end - 8, far + 8},
        {start, 1UL << 31},
        {start, 1UL << 63},
        /* What is inside when a sum wraps, or a length is negative. */
        {start, UINT64_MAX},
        {start + 8, UINT64_MAX - 7},
        {start + 8, -start},
        {end - 1, -(end - 1) + start + 16},
        {UINT64_MAX, 1},
        {UINT64_MAX - 7, 16},
        {UINT64_MAX - 7, start + 16},
    };
    for (size_t i = 0; i < sizeof(outside) / sizeof(*outside); i++)
        bad(outside[i].address, outside[i].size);
}

static void strings(void)
{
    uint64_t start = memory.start, end = memory.end, far = 1UL << 32;

    put(start, 0);
    string(start, 1, 0);
    string(start, 64, 0);
    put(start + 3, 300);
    string(start + 3, 4096, 300);
    string(start + 3, 301, 300);
    string(start + 3, 300, -ENAMETOOLONG);
    string(start + 3, 1, -ENAMETOOLONG);
    string(start + 3, far, 300);
    string(start + 3, far + 100, 300);
    string(start + 3, 1UL << 63, 300);
    put(start, LONG);
    string(start, MOST, LONG);
    string(start, LONG, -ENAMETOOLONG);
    string(start + 5, 4096, -ENAMETOOLONG);

    /* The last byte of the memory is the NUL; then it is none, and more is not the program's. */
    put(end - 6, 5);
    string(end - 6, 6, 5);
    string(end - 6, 4096, 5);
    string(end - 1, 4096, 0);
    memset((void *)(end - 6), 'x', 6);
    string(end - 6, 6, -ENAMETOOLONG);
    string(end - 6, 7, -EFAULT);
    string(end - 6, 4096, -EFAULT);

    memset(secret, 'x', sizeof(secret) - 1);
    secret[sizeof(secret) - 1] = '\0';
    put(start, 4);
    const uint64_t outside[] = {0,          0x10,        (uintptr_t)secret, start - 1, end,
                                end + 4096, start + far, start | 1UL << 63, UINT64_MAX};
    for (size_t i = 0; i < sizeof(outside) / sizeof(*outside); i++)
        string(outside[i], 64, -EFAULT);
}

static void probe_copies(void)
{
    char name[8];
    if (!platform_option("probe", name, sizeof(name)) || strcmp(name, "copies") != 0)
        return;
    struct process *process = process_create("copies");
    if (!process ||
        loader->load(process, "/bin/hello", (char *[]){"hello", NULL}, (char *[]){NULL}))
        return;
    task = &process->task;
    memory = process->memory;
    if (memory.end - memory.start > MOST || memory.end - memory.start < LONG + 8)
        return;
    ranges();
    strings();
    probe_result[0] = calls;
    probe_result[1] |= ENDED;
    memset((void *)memory.start, 0, memory.end - memory.start);
    process_destroy(process);
}
INITCALL(9, probe_copies);
