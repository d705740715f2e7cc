/*
 * switch.c: a test of the context switch alone, without tasks (bootargs probe=switch).
 *
 * Two sides, each with a stack of its own, go over to each other again and again, with other values
 * in all registers each time.  Compiled C uses few of them, so that a switch which forgets one may
 * work for years until somebody's loop needs s11.
 */
#include "memory.h"
#include "panic.h"
#include "platform.h"
#include "scheduler.h"
#include "slot.h"
#include "string.h"
#include "switch.h"

struct side {
    struct switch_context context;
    uint64_t sp; /* where its stack pointer was when it left off */
    uint64_t seed, fcsr;
    uint64_t lost; /* registers that have not been kept: switch_turn.S */
    const char *name;
};
_Static_assert(offsetof(struct side, sp) == 376 && offsetof(struct side, lost) == 400,
               "switch_turn.S");

enum { ROUND_TRIPS = 100, STACK_WORDS = 512 };

void switch_probe_turn(struct side *self, struct side *other,
                       void (*go)(struct switch_context *from, struct switch_context *to));
_Noreturn void switch_probe_astray(const struct side *side, uint64_t sp);

/* How many round trips were made, and which registers have not been kept: see struct side. */
extern uint64_t probe_result[2];
uint64_t probe_result[2];

/* The side that runs now, or to which the CPU is going over. */
extern struct side *switch_probe_running;
struct side *switch_probe_running;

static struct side here = {.name = "the first side"}, there = {.name = "the second side"};
static uint64_t stack_there[STACK_WORDS] __attribute__((aligned(16)));

static void new_values(struct side *side)
{
    side->seed = side->seed * 6364136223846793005UL + 1442695040888963407UL;
    side->fcsr = side->seed >> 40 & 0x7f; /* rounding modes 0 to 3, and any flags */
}

static void live_there(void)
{
    for (;;) {
        new_values(&there);
        switch_probe_turn(&there, &here, context_switch);
    }
}

void switch_probe_astray(const struct side *side, uint64_t sp)
{
    panic("after a switch to %s sp is 0x%lx and not 0x%lx, where it left off", side->name, sp,
          side->sp);
}

static void probe_switch(void)
{
    char value[8];
    if (!platform_option("probe", value, sizeof(value)) || strcmp(value, "switch") != 0)
        return;
    here.seed = 1;
    there.seed = 2;
    there.context.ra = (uintptr_t)live_there;
    there.context.sp = (uintptr_t)(stack_there + STACK_WORDS);
    for (int round = 0; round < ROUND_TRIPS; round++) {
        new_values(&here);
        switch_probe_turn(&here, &there, context_switch);
    }
    probe_result[0] = ROUND_TRIPS;
    probe_result[1] = here.lost | there.lost;
}
INITCALL(9, probe_switch);
