/* kernel.c: probes of the kernel's own space and stacks (task 3.3). */
#include "frame.h"
#include "kernel_stack.h"
#include "probes.h"

static uint64_t *take(void)
{
    uint64_t *stack = kernel_stack_alloc();
    PROBE_CHECK(stack, "kernel_stack_alloc() returned NULL with all of memory free");
    for (size_t i = 0; i < KERNEL_STACK_SIZE / sizeof(*stack); i++)
        stack[i] = (uintptr_t)&stack[i];
    report("probe: stack 0x%lx", (uintptr_t)stack);
    return stack;
}

/* Is everything that was written to a stack still there? */
static void check(const uint64_t *stack)
{
    for (size_t i = 0; i < KERNEL_STACK_SIZE / sizeof(*stack); i++)
        PROBE_CHECK(stack[i] == (uintptr_t)&stack[i],
                    "the word at 0x%lx of a kernel stack has changed when another was allocated",
                    (uintptr_t)&stack[i]);
}

/*
 * Stacks until there are no more: then there are fewer frames than one needs with its tables.  Each leads to the one
 * before.
 */
static void as_many_as_there_can_be(void)
{
    enum { LAST = KERNEL_STACK_SIZE / 8 - 1, NEEDED = KERNEL_STACK_SIZE / PAGE_SIZE + 3 };
    uint64_t *last = NULL, *stack;
    long before = probe_frames;
    uint64_t count = 0;
    while ((stack = kernel_stack_alloc())) {
        stack[0] = (uintptr_t)last;
        stack[LAST] = ++count;
        last = stack;
    }
    size_t left = probe_count_frames();
    PROBE_CHECK(
        left < NEEDED,
        "kernel_stack_alloc() returned NULL with %lu stacks in use, and there are %zu frames",
        count, left);
    for (uint64_t n = count; last; n--) {
        PROBE_CHECK(last[LAST] == n, "kernel stack number %lu of %lu has changed", n, count);
        stack = last;
        last = (uint64_t *)last[0];
        kernel_stack_free(stack);
    }
    /* The tables that map them may stay: one for some hundred stacks. */
    PROBE_CHECK(probe_frames - before <= (long)count / 100 + 3,
                "%lu stacks were given back, and %ld frames are missing", count,
                probe_frames - before);
}

/* Very many stacks, and one very often: so many bits of memory, so many numbers. */
static void come_and_go(unsigned long times)
{
    enum { MANY = 200 };
    static uint64_t *many[MANY];
    for (int i = 0; i < MANY; i++) {
        many[i] = kernel_stack_alloc();
        PROBE_CHECK(many[i], "kernel_stack_alloc() returned NULL with %d stacks in use", i);
        many[i][0] = many[i][KERNEL_STACK_SIZE / 8 - 1] = (uint64_t)i;
    }
    /* One goes, one comes, and all the others stay as they are; then all go, in another order. */
    for (int i = 0; i < 2 * MANY; i++) {
        int n = i * 77 % MANY;
        PROBE_CHECK(many[n][0] == (uint64_t)n && many[n][KERNEL_STACK_SIZE / 8 - 1] == (uint64_t)n,
                    "a kernel stack that is in use has changed when another was allocated");
        kernel_stack_free(many[n]);
        if (i >= MANY)
            continue;
        many[n] = kernel_stack_alloc();
        PROBE_CHECK(many[n], "kernel_stack_alloc() returned NULL with %d stacks in use", MANY - 1);
        many[n][0] = many[n][KERNEL_STACK_SIZE / 8 - 1] = (uint64_t)n;
    }
    /* Again and again: none takes others' numbers with it when it goes. */
    for (int round = 0; round < 4; round++)
        as_many_as_there_can_be();
    long before = probe_frames;
    for (unsigned long n = 1; n <= times; n++) {
        uint64_t *stack = kernel_stack_alloc();
        PROBE_CHECK(stack,
                    "kernel_stack_alloc() returned NULL the %luth time, with no other in use", n);
        kernel_stack_free(stack);
    }
    PROBE_CHECK(probe_frames == before, "%ld frames are missing after %lu stacks, one at a time",
                probe_frames - before, times);
}

/*
 * The very first stack, for which tables are missing too: whatever frame is refused, there is a stack
 * with all its pages or none.
 */
static void first_stack(void)
{
    enum { TABLES = 2 };
    uint64_t *stack = NULL;
    for (uint64_t n = 1; !stack; n++) {
        long before = probe_frames;
        probe_refuse = n;
        stack = kernel_stack_alloc();
        PROBE_CHECK(stack || probe_refuse == 0,
                    "a first kernel_stack_alloc() returned NULL though no frame was refused");
        probe_refuse = 0;
        PROBE_CHECK(stack || probe_frames <= before + TABLES,
                    "a first kernel_stack_alloc() that lacked frame %lu keeps %ld frames", n,
                    probe_frames - before);
    }
    for (size_t i = 0; i < KERNEL_STACK_SIZE / 8; i += PAGE_SIZE / 8)
        PROBE_CHECK(probe_store((uintptr_t)&stack[i], i),
                    "kernel_stack_alloc() that lacked a frame gives a stack that lacks a page");
    kernel_stack_free(stack);
}

/*
 * Stacks come and go; the grader looks at the kernel's pages when there are four.  Then one comes and
 * goes as often as the argument says.
 */
void kernel_space(unsigned long argument)
{
    uint64_t *stacks[4];
    long before = 0;
    if (argument)
        first_stack();
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 3; i++)
            stacks[i] = take();
        kernel_stack_free(stacks[1]);
        report("probe: freed 0x%lx", (uintptr_t)stacks[1]);
        stacks[1] = take();
        stacks[3] = take();
        for (int i = 0; i < 4; i++)
            check(stacks[i]);
        if (round == 0)
            probe_point();
        for (int i = 0; i < 4; i++) {
            kernel_stack_free(stacks[i]);
            report("probe: freed 0x%lx", (uintptr_t)stacks[i]);
        }
        /* The tables that map them may stay. */
        if (round == 0)
            before = probe_frames;
    }
    kernel_stack_free(NULL);
    PROBE_CHECK(probe_frames == before, "%ld frames of kernel stacks have not come back",
                probe_frames - before);
    /* Whatever frame is refused: all or nothing. */
    for (uint64_t n = 1; n <= KERNEL_STACK_SIZE / PAGE_SIZE; n++) {
        probe_refuse = n;
        uint64_t *stack = kernel_stack_alloc();
        probe_refuse = 0;
        PROBE_CHECK(!stack, "kernel_stack_alloc() is content with %lu frames", n - 1);
        PROBE_CHECK(probe_frames == before,
                    "kernel_stack_alloc() that lacked frame %lu keeps %ld frames", n,
                    probe_frames - before);
    }
    kernel_stack_free(take());
    probe_point();
    if (argument)
        come_and_go(argument);
}

static unsigned depth(unsigned n)
{
    volatile uint64_t room[32];
    room[n % 32] = n;
    return n == UINT32_MAX ? 0 : depth(n + 1) + (unsigned)room[n % 32];
}

/* More stack than there is. */
void kernel_overflow(unsigned long argument)
{
    probe_count();
    report("probe: depth %u", depth((unsigned)argument));
}
