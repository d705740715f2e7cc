/* memory.c: probes of user_memory for paged spaces (task 3.6). */
#include "errno.h"
#include "frame.h"
#include "probes.h"
#include "string.h"
#include "task.h"
#include "user_memory.h"

/* Which pages were asked for with space_fault->fault(), and what it is to do. */
static struct fault_asked {
    unsigned calls;
    uint64_t va;
    enum access access;
    long result;     /* to return */
    uintptr_t frame; /* to map before, or 0 */
} asked;

static long noted_fault(struct space *space, uint64_t va, enum access access)
{
    asked.calls++;
    asked.va = va;
    asked.access = access;
    if (asked.frame)
        page_table->map(&space->table, page_down(va), asked.frame,
                        PROT_USER | PROT_READ | PROT_WRITE);
    return asked.result;
}

static const struct space_fault_ops noted = {.fault = noted_fault};
PROVIDE(space_fault, 8, noted);

#define BASE 0x3fff8000UL
enum { PAGES = 16, BYTES = PAGES * PAGE_SIZE };

static struct process process;
static struct space space;
static uintptr_t frame_at[PAGES];
static unsigned prots[PAGES]; /* PROT_NONE where nothing is mapped */

/* A window of pages with all kinds of permissions; frames in no order. */
static void new_window(void)
{
    static const unsigned kinds[] = {
        PROT_USER | PROT_READ | PROT_WRITE,
        PROT_USER | PROT_READ | PROT_WRITE,
        PROT_USER | PROT_READ,
        PROT_USER | PROT_READ | PROT_WRITE,
        PROT_NONE,
        PROT_USER | PROT_READ | PROT_EXEC,
        PROT_READ | PROT_WRITE, /* the kernel's */
        PROT_USER | PROT_EXEC,
    };
    area_set_init(&space.areas);
    PROBE_CHECK(page_table->create(&space.table) == 0, "no memory for a page table");
    process.task.process = &process;
    process.space = &space;
    process.memory = (struct region){0, USER_END};
    for (size_t i = 0; i < PAGES; i++) {
        size_t n = i * 7 % PAGES;
        frame_at[n] = frame_alloc();
        prots[n] = n < 9 ? kinds[n % 8] : PROT_USER | PROT_READ | PROT_WRITE;
        PROBE_CHECK(frame_at[n], "no frames");
        if (prots[n] != PROT_NONE)
            PROBE_CHECK(
                page_table->map(&space.table, BASE + n * PAGE_SIZE, frame_at[n], prots[n]) == 0,
                "map() failed");
    }
}

static uint8_t *byte_at(uint64_t offset)
{
    return (uint8_t *)frame_at[offset / PAGE_SIZE] + offset % PAGE_SIZE;
}

/* How many bytes from offset on, at most size, the program may access. */
static size_t allowed(uint64_t offset, size_t size, unsigned access)
{
    uint64_t end = offset;
    while (end < offset + size && end < BYTES) {
        unsigned prot = prots[end / PAGE_SIZE];
        if (!(prot & PROT_USER) || !(prot & access))
            break;
        end = (end / PAGE_SIZE + 1) * PAGE_SIZE;
    }
    return end < offset + size ? end - offset : size;
}

/* The first of size bytes from offset on that is not as in bytes[]; size when all are. */
static size_t difference(uint64_t offset, const uint8_t *bytes, size_t size)
{
    size_t n = 0;
    while (n < size) {
        const uint8_t *there = byte_at(offset + n);
        size_t end = n + PAGE_SIZE - (offset + n) % PAGE_SIZE;
        end = end < size ? end : size;
        while (n < end && *there == bytes[n])
            there++, n++;
        if (n < end)
            break;
    }
    return n;
}

/* For a call that has to fail: which page forbids it, and what that page allows. */
static const char *because(uint64_t offset, long wanted)
{
    static char text[60];
    if (wanted != -EFAULT)
        return "";
    uint64_t page = BASE + offset / PAGE_SIZE * PAGE_SIZE;
    snprintf(text, sizeof(text), " (page 0x%lx is %s)", page,
             offset < BYTES ? probe_prot(prots[offset / PAGE_SIZE]) : "not there");
    return text;
}

/* Against a model: bytes at the window's addresses, in the kernel's hands. */
void memory_random(unsigned long argument)
{
    (void)argument;
    enum { LONGEST = 3 * PAGE_SIZE, UNTOUCHED = 0xee };
    static uint8_t buffer[LONGEST + 16];
    struct operation op;
    new_window();
    asked.result = -EFAULT;
    for (uint64_t i = 0; i < BYTES; i++)
        *byte_at(i) = (uint8_t)(i % 251 + 1);
    while (probe_next(&op)) {
        if (op.number >= PROBE_OPERATIONS / 10)
            continue; /* each of these looks at many bytes */
        uint64_t offset = op.random[0] % BYTES;
        size_t size = op.random[1] % 4 ? op.random[1] / 4 % 40 : op.random[1] / 4 % LONGEST;
        /* Often right at the end of a page. */
        if (op.random[2] % 3 == 0)
            offset = (offset | (PAGE_SIZE - 1)) - op.random[2] / 3 % 20;
        unsigned kind = (unsigned)(op.random[2] >> 32) % 3;
        size_t can = allowed(offset, size, kind == 1 ? PROT_WRITE : PROT_READ);
        long wanted = can == size ? 0 : -EFAULT, result;
        memset(buffer, UNTOUCHED, sizeof(buffer));
        if (kind == 0) {
            result = user_memory->in(&process.task, buffer, BASE + offset, size);
            probe_say("in(0x%lx, %zu bytes) = %ld", BASE + offset, size, result);
            PROBE_CHECK(result == wanted, "in(0x%lx, %zu bytes) returned %ld, not %ld%s",
                        BASE + offset, size, result, wanted, because(offset + can, wanted));
            size_t wrong = wanted == 0 ? difference(offset, buffer, size) : size;
            PROBE_CHECK(wrong == size, "in(0x%lx, %zu bytes): byte %zu is %u, not %u",
                        BASE + offset, size, wrong, buffer[wrong], *byte_at(offset + wrong));
            PROBE_CHECK(buffer[size] == UNTOUCHED,
                        "in() has written beyond the %zu bytes asked for", size);
        } else if (kind == 1) {
            for (size_t i = 0; i < size; i++)
                buffer[i] = (uint8_t)((op.random[2] + i) % 255 + 1);
            uint8_t before = offset > 0 ? *byte_at(offset - 1) : 0;
            uint8_t behind = offset + size < BYTES ? *byte_at(offset + size) : 0;
            result = user_memory->out(&process.task, BASE + offset, buffer, size);
            probe_say("out(0x%lx, %zu bytes) = %ld", BASE + offset, size, result);
            PROBE_CHECK(result == wanted, "out(0x%lx, %zu bytes) returned %ld, not %ld%s",
                        BASE + offset, size, result, wanted, because(offset + can, wanted));
            size_t wrong = wanted == 0 ? difference(offset, buffer, size) : size;
            PROBE_CHECK(wrong == size, "out(0x%lx, %zu bytes): byte %zu is %u, not %u",
                        BASE + offset, size, wrong, *byte_at(offset + wrong), buffer[wrong]);
            PROBE_CHECK(offset == 0 || *byte_at(offset - 1) == before,
                        "out() wrote before its place");
            PROBE_CHECK(offset + size >= BYTES || *byte_at(offset + size) == behind,
                        "out(0x%lx, %zu bytes) wrote beyond its place", BASE + offset, size);
        } else {
            size_t length = op.random[1] % 70;
            uint64_t at = offset + length;
            uint8_t kept = 0;
            if (at < BYTES) {
                kept = *byte_at(at);
                *byte_at(at) = 0;
            }
            can = allowed(offset, size, PROT_READ);
            if (at < BYTES && length < can)
                wanted = (long)length;
            else
                wanted = can == size ? -ENAMETOOLONG : -EFAULT;
            result = user_memory->string(&process.task, (char *)buffer, BASE + offset, size);
            probe_say("string(0x%lx, room for %zu) = %ld", BASE + offset, size, result);
            PROBE_CHECK(result == wanted, "string(0x%lx, room for %zu) returned %ld, not %ld%s",
                        BASE + offset, size, result, wanted, because(offset + can, wanted));
            size_t wrong = wanted >= 0 ? difference(offset, buffer, length) : length;
            PROBE_CHECK(wrong == length, "string(0x%lx): character %zu is wrong", BASE + offset,
                        wrong);
            PROBE_CHECK(wanted < 0 || buffer[length] == 0,
                        "string(0x%lx) has not ended its copy with NUL", BASE + offset);
            PROBE_CHECK(buffer[size] == UNTOUCHED,
                        "string(0x%lx) has written beyond its room for %zu bytes", BASE + offset,
                        size);
            if (at < BYTES)
                *byte_at(at) = kept;
        }
    }
}

/* Addresses that differ from one of the window's above bit 31, and lengths of which the lower 32 bits are small. */
static void wide(void)
{
    static uint8_t buffer[16];
    const uint64_t missing = BASE + 4 * PAGE_SIZE;
    const uint64_t others[] = {BASE + (1UL << 32), BASE + (1UL << 37), BASE + (1UL << 39),
                               BASE + (1UL << 63)};
    asked = (struct fault_asked){.result = -EFAULT};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        long in = user_memory->in(&process.task, buffer, others[i], 4);
        long out = user_memory->out(&process.task, others[i], buffer, 4);
        long string = user_memory->string(&process.task, (char *)buffer, others[i], 4);
        PROBE_CHECK(in == -EFAULT && out == -EFAULT && string == -EFAULT,
                    "0x%lx is nobody's: in() returned %ld, out() %ld, string() %ld", others[i], in,
                    out, string);
    }
    const uint64_t sizes[] = {1UL << 32, (1UL << 32) + 8, 1UL << 63, -8UL};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        long in = user_memory->in(&process.task, buffer, missing, sizes[i]);
        long out = user_memory->out(&process.task, missing, buffer, sizes[i]);
        long string = user_memory->string(&process.task, (char *)buffer, missing, sizes[i]);
        PROBE_CHECK(
            in == -EFAULT && out == -EFAULT && string == -EFAULT,
            "the first of 0x%lx bytes is nobody's: in() returned %ld, out() %ld, string() %ld",
            sizes[i], in, out, string);
        memcpy(byte_at(0), "short", 6);
        string = user_memory->string(&process.task, (char *)buffer, BASE, sizes[i]);
        PROBE_CHECK(string == 5, "string() of 5 characters, with room for 0x%lx, returned %ld",
                    sizes[i], string);
    }
}

/* A string that begins on one page and ends on the fourth, with room for it, just so, and with less. */
static void long_strings(void)
{
    enum { FIRST = 9 * PAGE_SIZE + 5, LENGTH = 3 * PAGE_SIZE + 77 };
    static char buffer[LENGTH + 2];
    for (uint64_t i = 0; i < LENGTH; i++)
        *byte_at(FIRST + i) = (uint8_t)(i % 253 + 1);
    *byte_at(FIRST + LENGTH) = 0;
    for (size_t room = LENGTH - 1; room <= LENGTH + 2; room++) {
        memset(buffer, 0xee, sizeof(buffer));
        long length = user_memory->string(&process.task, buffer, BASE + FIRST, room);
        PROBE_CHECK(length == (room > LENGTH ? LENGTH : -ENAMETOOLONG),
                    "string() of %d characters, with room for %zu, returned %ld", LENGTH, room,
                    length);
        for (size_t i = 0; room > LENGTH && i <= LENGTH; i++)
            PROBE_CHECK((uint8_t)buffer[i] == *byte_at(FIRST + i),
                        "character %zu of a string of %d is wrong", i, LENGTH);
    }
}

/* Who is asked about a missing page, when, and what the answer does. */
void memory_faults(unsigned long argument)
{
    (void)argument;
    static uint8_t buffer[2 * PAGE_SIZE];
    const uint64_t missing = BASE + 4 * PAGE_SIZE, readable = BASE + 2 * PAGE_SIZE;
    new_window();
    PROBE_CHECK(prots[4] == PROT_NONE && prots[2] == (PROT_USER | PROT_READ),
                "the window is wrong");
    const struct {
        uint64_t va;
        enum access access;
        long answer;
    } cases[] = {
        {missing + 5, ACCESS_READ, -EFAULT},
        {missing + 5, ACCESS_READ, -ENOMEM},
        {missing + 99, ACCESS_WRITE, -EFAULT},
        {missing + 99, ACCESS_WRITE, -ENOMEM},
        {readable + 7, ACCESS_WRITE, -EFAULT},
        {readable + 7, ACCESS_WRITE, -ENOMEM},
        {missing, ACCESS_READ, 0},
        {readable, ACCESS_WRITE, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        asked = (struct fault_asked){.result = cases[i].answer};
        bool write = cases[i].access == ACCESS_WRITE;
        long result = write ? user_memory->out(&process.task, cases[i].va, buffer, 8)
                            : user_memory->in(&process.task, buffer, cases[i].va, 8);
        /* An answer of 0 that is not true must not be believed for ever. */
        long wanted = cases[i].answer ? cases[i].answer : -EFAULT;
        PROBE_CHECK(asked.calls == 1, "%s(0x%lx): space_fault->fault() was asked %u times",
                    write ? "out" : "in", cases[i].va, asked.calls);
        PROBE_CHECK(page_down(asked.va) == page_down(cases[i].va) &&
                        asked.access == cases[i].access,
                    "%s(0x%lx): fault() was asked for access %d at 0x%lx", write ? "out" : "in",
                    cases[i].va, asked.access, asked.va);
        PROBE_CHECK(result == wanted, "%s(0x%lx), fault() says %ld: returned %ld, not %ld",
                    write ? "out" : "in", cases[i].va, cases[i].answer, result, wanted);
        if (write)
            continue;
        result = user_memory->string(&process.task, (char *)buffer, cases[i].va, 8);
        PROBE_CHECK(result == wanted, "string(0x%lx), fault() says %ld: returned %ld, not %ld",
                    cases[i].va, cases[i].answer, result, wanted);
    }
    /* A page that fault() maps is there, in the middle of a copy as well. */
    for (int round = 0; round < 3; round++) {
        asked = (struct fault_asked){.frame = frame_at[4]};
        memset((void *)frame_at[4], 0, PAGE_SIZE);
        memcpy((void *)frame_at[4], "page four", 10);
        memset(buffer, 0, sizeof(buffer));
        long result, wanted = 0;
        if (round == 0) {
            result = user_memory->in(&process.task, buffer, missing - 100, 200);
            PROBE_CHECK(memcmp(buffer + 100, "page four", 10) == 0,
                        "in() of a page that fault() has mapped shows something else");
        } else if (round == 1) {
            result = user_memory->out(&process.task, missing - 100, buffer, 200);
            PROBE_CHECK(*(char *)frame_at[4] == 0,
                        "out() to a page that fault() has mapped has written something else");
        } else {
            result = user_memory->string(&process.task, (char *)buffer, missing, 100);
            wanted = 9;
        }
        PROBE_CHECK(result == wanted && asked.calls == 1,
                    "a copy over a page that fault() maps returned %ld, after asking %u times",
                    result, asked.calls);
        page_table->unmap(&space.table, missing);
    }
    /* Up to the last byte below USER_END, whatever the room for a string; and nobody is asked beyond. */
    const uint64_t top = USER_END - PAGE_SIZE;
    uintptr_t last = frame_alloc();
    PROBE_CHECK(last && page_table->map(&space.table, top, last, PROT_USER | PROT_READ) == 0,
                "no memory for the last page below USER_END");
    memcpy((void *)(last + PAGE_SIZE - 4), "end", 4);
    asked = (struct fault_asked){.result = -EFAULT};
    long length = user_memory->string(&process.task, (char *)buffer, USER_END - 4, 100);
    PROBE_CHECK(length == 3,
                "string() of the last 4 bytes below USER_END, room for 100, returned %ld, not 3",
                length);
    long error = user_memory->in(&process.task, buffer, USER_END - 4, 4);
    PROBE_CHECK(error == 0, "in() of the last 4 bytes below USER_END returned %ld", error);
    const uint64_t beyond[] = {USER_END, USER_END + 8, TRAMPOLINE, -(uint64_t)8};
    for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
        error = user_memory->in(&process.task, buffer, beyond[i], 4);
        PROBE_CHECK(error == -EFAULT && asked.calls == 0,
                    "in(0x%lx), which is nobody's, returned %ld, after asking fault() %u times",
                    beyond[i], error, asked.calls);
    }
    for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
        error = user_memory->out(&process.task, beyond[i], buffer, 4);
        length = user_memory->string(&process.task, (char *)buffer, beyond[i], 4);
        PROBE_CHECK(error == -EFAULT && length == -EFAULT && asked.calls == 0,
                    "out(0x%lx) returned %ld, string() %ld, after asking fault() %u times",
                    beyond[i], error, length, asked.calls);
    }
    wide();
    long_strings();
    /* What is present is not asked about. */
    asked = (struct fault_asked){.result = -EFAULT};
    PROBE_CHECK(user_memory->in(&process.task, buffer, BASE, PAGE_SIZE) == 0 && !asked.calls,
                "fault() is asked about pages that are there");
}
