/* slots.c: walking the linker sections that compose the kernel (slot.h). */
#include <stdbool.h>

#include "panic.h"
#include "print.h"
#include "slot.h"
#include "string.h"

extern const struct slot_entry slots_start[], slots_end[];
extern const struct initcall initcalls_start[], initcalls_end[];

enum { SLOTS_MAX = 64, MEMBERS_MAX = 8, FOUND = 64 };

/* What each entry comes to: its own object, or one that has been completed from the level below. */
static const void *serving[SLOTS_MAX];
static const void *completed[SLOTS_MAX][MEMBERS_MAX];

/* An entry's object, with the members that it leaves out from the one below. */
static const void *complete(const struct slot_entry *e, const void *below)
{
    const void **members = completed[e - slots_start];
    bool whole = true;
    assert(e->size <= sizeof(completed[0]));
    memcpy(members, e->object, e->size);
    for (size_t i = 0; below && i < e->size / sizeof(*members); i++) {
        if (members[i])
            continue;
        memcpy(&members[i], (const char *)below + i * sizeof(*members), sizeof(*members));
        whole = false;
    }
    return whole ? e->object : members;
}

void slots_init(void)
{
    /* Entries of one slot stand in level order: the last one to be written wins. */
    assert(slots_end - slots_start <= SLOTS_MAX);
    for (const struct slot_entry *e = slots_start; e < slots_end; e++)
        *e->winner = serving[e - slots_start] = complete(e, *e->winner);
}

const void *slot_lookup_below(const void **winner, int level)
{
    /* What was found once: it does not change, and is asked for again and again. */
    static struct {
        const void **winner;
        const void *object;
        int level;
    } found[FOUND], *known;
    known = &found[((uintptr_t)winner / sizeof(*winner) + (size_t)level) % FOUND];
    if (known->winner == winner && known->level == level)
        return known->object;
    known->winner = winner;
    known->level = level;
    known->object = NULL;
    for (const struct slot_entry *e = slots_start; e < slots_end; e++)
        if (e->winner == winner && e->level < level)
            known->object = serving[e - slots_start];
    return known->object;
}

void slots_print(void)
{
    for (const struct slot_entry *e = slots_start; e < slots_end; e++)
        report("slot: %-13s level %d  %-20s %-20s %s", e->slot, e->level, e->object_name, e->file,
               *e->winner == serving[e - slots_start] ? "serves" : "-");
}

void initcalls_run(void)
{
    for (const struct initcall *call = initcalls_start; call < initcalls_end; call++)
        call->function();
}
