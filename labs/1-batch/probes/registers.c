/*
 * registers.c: the way into user mode when all registers of the kernel hold something (bootargs
 * probe=registers): the program /bin/first is run until it traps.  By itself a kernel leaves zero in many of
 * them, in gp and tp for ever, and a register that is never loaded looks like one that is.
 */
#include "loader.h"
#include "platform.h"
#include "slot.h"
#include "string.h"
#include "task.h"

/* user_run(), with something in each register: registers_run.S. */
uint64_t registers_run(struct user_context *context);

static void probe_registers(void)
{
    char name[12];
    if (!platform_option("probe", name, sizeof(name)) || strcmp(name, "registers") != 0)
        return;
    struct process *process = process_create("first");
    if (!process ||
        loader->load(process, "/bin/first", (char *[]){"first", NULL}, (char *[]){NULL}))
        return;
    registers_run(&process->task.user);
    process_destroy(process);
}
INITCALL(9, probe_registers);
