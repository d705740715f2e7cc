/*
 * count.c: system calls whose numbers are no index into task->calls (bootargs probe=count), made by a task with known
 * words after it in memory.  probe_result: how many calls were made, and after how many of them a word was another.
 */
#include "platform.h"
#include "riscv.h"
#include "slot.h"
#include "string.h"
#include "syscall.h"
#include "task.h"
#include "trap.h"

extern uint64_t probe_result[2];

enum { WORDS = 64 };
static struct {
    struct process process; /* ends with its task, and that with calls */
    uint32_t words[WORDS];
} memory;
_Static_assert(offsetof(struct task, calls) + sizeof(memory.process.task.calls) ==
                       sizeof(struct task) &&
                   offsetof(struct process, task) + sizeof(struct task) == sizeof(struct process),
               "what follows calls in memory");

static void probe_count(void)
{
    char value[8];
    if (!platform_option("probe", value, sizeof(value)) || strcmp(value, "count") != 0)
        return;
    struct task *task = &memory.process.task;
    task->process = &memory.process;
    for (uint64_t n = 0; n < WORDS; n++) {
        for (uint32_t i = 0; i < WORDS; i++)
            memory.words[i] = 0x5a5a0000 + i;
        task->user.x[X_A7] = SYSCALL_LIMIT + n;
        trap_dispatch(task, CAUSE_USER_ECALL);
        bool same = true;
        for (uint32_t i = 0; i < WORDS; i++)
            same &= memory.words[i] == 0x5a5a0000 + i;
        probe_result[0]++;
        probe_result[1] += !same;
    }
}
INITCALL(9, probe_count);
