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
    /* BEGIN SOLUTION 1.3 */
    struct user_context *user = &task->user;
    uint64_t number = user->x[X_A7];

    user->sepc += 4;
    if (number < SYSCALL_LIMIT && syscall_table[number])
        user->x[X_A0] = (uint64_t)syscall_table[number](task, &user->x[X_A0]);
    else
        user->x[X_A0] = (uint64_t)-ENOSYS;
    return true;
    /* STUB
    (void)task;
    return false;
    */
    /* END SOLUTION */
}
TRAP_HANDLER(CAUSE_USER_ECALL, 1, on_system_call);
