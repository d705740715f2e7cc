/* The same dispatch, with the look-up as a function and sepc moved last. */
#include "errno.h"
#include "syscall.h"
#include "task.h"
#include "trap.h"

static long unknown(struct task *task, const uint64_t args[6])
{
    (void)task, (void)args;
    return -ENOSYS;
}

static bool handle(struct task *task, uint64_t cause)
{
    if (cause != CAUSE_USER_ECALL)
        return false;
    long (*function)(struct task *, const uint64_t[6]) = unknown;
    if (task->user.x[X_A7] < SYSCALL_LIMIT && syscall_table[task->user.x[X_A7]])
        function = syscall_table[task->user.x[X_A7]];
    uint64_t args[6];
    for (int i = 0; i < 6; i++)
        args[i] = task->user.x[X_A0 + i];
    task->user.x[X_A0] = (uint64_t)function(task, args);
    task->user.sepc += 4;
    return true;
}
TRAP_HANDLER(CAUSE_USER_ECALL, 1, handle);
