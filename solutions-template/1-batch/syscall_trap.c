/*
 * Task 1.3: tell system calls from faults, and find the function that was asked for.
 */
#include "errno.h"
#include "syscall.h"
#include "task.h"
#include "trap.h"

/*
 * A program executed ecall.  By Linux's convention its number is in a7, its arguments in a0 to a5,
 * and the result, or a negative errno, goes to a0.
 *
 * Look in task->user.x[] for them: the registers themselves hold the kernel's values by now.  Find
 * the function in syscall_table (syscall.h): the number may be anything, and the table has holes.
 * The program goes on behind its ecall, which is 4 bytes long.
 *
 * Returns true: the trap has been dealt with.
 */
static bool on_system_call(struct task *task, uint64_t cause)
{
    (void)cause;
    /* TODO(1.3) */
    (void)task;
    return false;
}
TRAP_HANDLER(CAUSE_USER_ECALL, 1, on_system_call);
