/* slots.c: walking the linker sections that compose the kernel (slot.h). */
#include "print.h"
#include "slot.h"

extern const struct slot_entry slots_start[], slots_end[];
extern const struct initcall initcalls_start[], initcalls_end[];

void slots_init(void)
{
    /* Entries of one slot stand in level order: the last one to be written wins. */
    for (const struct slot_entry *e = slots_start; e < slots_end; e++)
        *e->winner = e->object;
}

const void *slot_lookup_below(const void **winner, int level)
{
    const void *object = NULL;
    for (const struct slot_entry *e = slots_start; e < slots_end; e++)
        if (e->winner == winner && e->level < level)
            object = e->object;
    return object;
}

void slots_print(void)
{
    for (const struct slot_entry *e = slots_start; e < slots_end; e++)
        report("slot: %-12s level %d  %-20s %-20s %s", e->slot, e->level, e->object_name, e->file,
               *e->winner == e->object ? "serves" : "-");
}

void initcalls_run(void)
{
    for (const struct initcall *call = initcalls_start; call < initcalls_end; call++)
        call->function();
}
