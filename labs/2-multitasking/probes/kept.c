/*
 * kept.c: how much of kmalloc()'s memory a deck has taken and not given back when all of it has ended (bootargs
 * probe=kept).  probe_result: 1, and so many bytes.
 */
#include "kmalloc.h"
#include "platform.h"
#include "runner.h"
#include "string.h"

extern uint64_t probe_result[2];

static size_t before;

static __attribute__((noinline)) void probe_kept(void)
{
    size_t after = kmalloc_free_bytes();
    probe_result[0] = 1;
    probe_result[1] = before > after ? before - after : 0;
}

static void run_probe(void)
{
    char name[8];
    const struct runner_ops *lower = slot_below(runner, 8);
    before = kmalloc_free_bytes();
    lower->run();
    if (platform_option("probe", name, sizeof(name)) && strcmp(name, "kept") == 0)
        probe_kept();
}

static const struct runner_ops prober = {.run = run_probe};
PROVIDE(runner, 8, prober);
