/*
 * deck_selftest.c: the deck, twice.  Linked by test_deck.py.  Reports "decktest: ok" when after the second time no process,
 * no frame, no byte of the kernel's memory and no file is there that was not before it, or else what is.
 */
#include "file.h"
#include "frame.h"
#include "kernel_stack.h"
#include "kmalloc.h"
#include "page_cache.h"
#include "print.h"
#include "runner.h"
#include "task.h"

static long in_use; /* references to frames */

static const struct frames_ops *lower(void)
{
    return slot_below(frames, 9);
}

static void init(const struct region regions[], size_t count)
{
    lower()->init(regions, count);
}

static uintptr_t alloc(void)
{
    uintptr_t frame = lower()->alloc();
    in_use += frame != 0;
    return frame;
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
    .init = init, .alloc = alloc, .get = get, .put = put, .take = alloc};
PROVIDE(frames, 9, counted);

/* The tables that lead to kernel stacks, which stay when the stacks go: for as many as memory has room for processes. */
static void make_tables_of_stacks(void)
{
    enum { STACKS = 600 };
    static uint64_t *stacks[STACKS];
    for (int i = 0; i < STACKS; i++)
        stacks[i] = kernel_stack_alloc();
    for (int i = 0; i < STACKS; i++)
        kernel_stack_free(stacks[i]);
}

static void run(void)
{
    const struct runner_ops *deck = slot_below(runner, 9);
    make_tables_of_stacks();
    deck->run();
    long frames_before = in_use;
    size_t heap_before = kmalloc_free_bytes(), cached = page_cache_frames();
    unsigned files = console_input.references + console_output.references;
    deck->run();
    if (task_next(NULL))
        report("decktest: process %d is left", task_next(NULL)->process->pid);
    else if (in_use != frames_before || page_cache_frames() != cached)
        report("decktest: %ld references to frames are left", in_use - frames_before);
    else if (kmalloc_free_bytes() != heap_before)
        report("decktest: %ld bytes are left", (long)heap_before - (long)kmalloc_free_bytes());
    else if (console_input.references + console_output.references != files)
        report("decktest: the console is still open");
    else
        report("decktest: ok");
}

static const struct runner_ops twice = {.run = run};
PROVIDE(runner, 9, twice);
