/*
 * Task 6.5: a new process with a program of its own, at once.
 */
#include "errno.h"
#include "family.h"
#include "kmalloc.h"
#include "path.h"
#include "process.h"
#include "syscall.h"
#include "task.h"
#include "user_memory.h"

/* TODO(6.5) */

/*
 * spawn(path, argv, envp): args[0] to args[2], as execve() has them; a call of our own, which Linux has not: there it
 * takes a fork() and an execve().  Here nothing is copied that is thrown away.
 *
 * The new process is a child of the caller, and has what process_inherit() hands down; process_renew() is for it,
 * too (process.h).  copy_vector() copies a vector.
 *
 * Returns its pid, or an error, as execve(): then there is no new process.
 */
static long sys_spawn(struct task *task, const uint64_t args[6])
{
    /* TODO(6.5) */
    (void)task, (void)args;
    return -ENOSYS;
}
SYSCALL(SYS_SPAWN, sys_spawn);
