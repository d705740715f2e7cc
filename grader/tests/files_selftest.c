/*
 * files_selftest.c: files without memory.
 *
 * Linked by test_files.py.  With the bootargs word refuse=STEP the deck runs again and again: without the first
 * frame that it asks for, without number 1 + STEP, and so on, until it asks for none that late; with rest=1 without
 * all behind it, too.  Each time all must come back.  Reports "filestest: N runs", or what went wrong.
 */
#include <stdbool.h>

#include "frame.h"
#include "kmalloc.h"
#include "platform.h"
#include "print.h"
#include "runner.h"

enum { RUNS_MAX = 1000 };

static uint64_t refuse; /* this frame, counted from 1; 0: none */
static bool refused, rest;
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
    if (refuse > 0 && --refuse == 0) {
        refuse = rest;
        refused = true;
        return 0;
    }
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

static const struct frames_ops refusing = {
    .init = init, .alloc = alloc, .get = get, .put = put, .take = alloc};
PROVIDE(frames, 9, refusing);

static unsigned long number_of(const char *text)
{
    unsigned long value = 0;
    for (; *text >= '0' && *text <= '9'; text++)
        value = value * 10 + (unsigned long)(*text - '0');
    return value;
}

static unsigned long option(const char *name)
{
    char text[16];
    return platform_option(name, text, sizeof(text)) ? number_of(text) : 0;
}

static void run(void)
{
    const struct runner_ops *deck = slot_below(runner, 9);
    unsigned long step = option("refuse"), frame = 1, runs = 0;
    rest = option("rest") != 0;
    deck->run(); /* the tables for kernel stacks stay */
    refused = step > 0;
    for (; refused && runs < RUNS_MAX; frame += step, runs++) {
        long frames_before = in_use;
        size_t heap_before = kmalloc_free_bytes();
        refused = false;
        refuse = frame;
        deck->run();
        refuse = 0;
        if (in_use != frames_before || kmalloc_free_bytes() != heap_before)
            report("filestest: without frame %lu: %ld references and %ld bytes are left", frame,
                   in_use - frames_before, (long)heap_before - (long)kmalloc_free_bytes());
    }
    report("filestest: %lu runs", runs);
}

static const struct runner_ops sweeping = {.run = run};
PROVIDE(runner, 9, sweeping);
