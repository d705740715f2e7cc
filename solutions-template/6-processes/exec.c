/*
 * Task 6.3: another program in the same process: execve().
 */
#include "arguments.h"
#include "errno.h"
#include "kmalloc.h"
#include "path.h"
#include "process.h"
#include "space.h"
#include "syscall.h"
#include "task.h"
#include "user_memory.h"

/* The contract of this one is in process.h. */
long copy_vector(struct task *task, uint64_t address, char ***vector)
{
    /* TODO(6.3) */
    (void)task, (void)address, (void)vector;
    return -ENOMEM;
}

/* TODO(6.3) */

/*
 * execve(path, argv, envp): args[0] to args[2].  See execve(2).
 *
 * Nothing of the old program may be lost before it is sure that there is a new one: space_detach() and
 * space_attach() (space.h) put its space aside, and back; program_load() (process.h) makes another for the process, or
 * says why not, and space_free() gives the old one back.  Then task_renew() (task.h) has it begin as load() has
 * set it, and process_renew() does the rest.  Path and vectors lie in the old program's memory: copy them first (for
 * the kernel's stack PATH_MAX bytes are too many).
 *
 * Returns 0 in the new program's name; -ENOENT, -ENAMETOOLONG, … what string() and copy_vector() say, and
 * program_load().  After an error the program goes on, and nothing is lost.
 */
static long sys_execve(struct task *task, const uint64_t args[6])
{
    /* TODO(6.3) */
    (void)task, (void)args;
    return -ENOSYS;
}
SYSCALL(SYS_EXECVE, sys_execve);
