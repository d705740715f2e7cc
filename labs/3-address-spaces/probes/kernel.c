/* kernel.c: probes of the kernel's own space and stacks (task 3.3). */
#include "frame.h"
#include "kernel_stack.h"
#include "probe.h"

static uint64_t *take(void)
{
    uint64_t *stack = kernel_stacks->alloc();
    PROBE_CHECK(stack, "kernel_stacks->alloc() returned NULL with all of memory free");
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
 * Stacks come and go; the grader looks at the kernel's pages when there are four.  Then one comes and
 * goes as often as the argument says.
 */
void kernel_space(unsigned long argument)
{
    uint64_t *stacks[4];
    long before = 0;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 3; i++)
            stacks[i] = take();
        kernel_stacks->free(stacks[1]);
        report("probe: freed 0x%lx", (uintptr_t)stacks[1]);
        stacks[1] = take();
        stacks[3] = take();
        for (int i = 0; i < 4; i++)
            check(stacks[i]);
        if (round == 0)
            probe_point();
        for (int i = 0; i < 4; i++) {
            kernel_stacks->free(stacks[i]);
            report("probe: freed 0x%lx", (uintptr_t)stacks[i]);
        }
        /* The tables that map them may stay. */
        if (round == 0)
            before = probe_frames;
    }
    kernel_stacks->free(NULL);
    PROBE_CHECK(probe_frames == before, "%ld frames of kernel stacks have not come back",
                probe_frames - before);
    /* Whatever frame is refused: all or nothing. */
    for (uint64_t n = 1; n <= KERNEL_STACK_SIZE / PAGE_SIZE; n++) {
        probe_refuse = n;
        uint64_t *stack = kernel_stacks->alloc();
        probe_refuse = 0;
        PROBE_CHECK(!stack, "kernel_stacks->alloc() is content with %lu frames", n - 1);
        PROBE_CHECK(probe_frames == before,
                    "kernel_stacks->alloc() that lacked frame %lu keeps %ld frames", n,
                    probe_frames - before);
    }
    kernel_stacks->free(take());
    probe_point();
    for (unsigned long n = 1; n <= argument; n++) {
        uint64_t *stack = kernel_stacks->alloc();
        PROBE_CHECK(stack,
                    "kernel_stacks->alloc() returned NULL the %luth time, where never more than 4"
                    " stacks were in use",
                    n);
        kernel_stacks->free(stack);
    }
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
    probe_result[0]++;
    report("probe: depth %u", depth((unsigned)argument));
}
