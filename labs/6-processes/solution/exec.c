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
    /* BEGIN SOLUTION 6.3 */
    uint64_t string = 0;
    size_t count = 0;
    for (; address; count++) {
        long error =
            user_memory->in(task, &string, address + count * sizeof(string), sizeof(string));
        if (error)
            return error;
        if (string == 0)
            break;
        if ((count + 2) * sizeof(string) > ARGUMENTS_MAX)
            return -E2BIG;
    }
    size_t pointers = (count + 1) * sizeof(char *), used = pointers;
    char **copy = kmalloc(ARGUMENTS_MAX);
    if (!copy)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        copy[i] = (char *)copy + used;
        long length = user_memory->in(task, &string, address + i * sizeof(string), sizeof(string));
        if (!length)
            length = user_memory->string(task, copy[i], string, ARGUMENTS_MAX - used);
        if (length < 0) {
            kfree(copy);
            return length == -ENAMETOOLONG ? -E2BIG : length;
        }
        used += (size_t)length + 1;
    }
    copy[count] = NULL;
    *vector = copy;
    return 0;
    /* STUB
    (void)task, (void)address, (void)vector;
    return -ENOMEM;
    */
    /* END SOLUTION */
}

/* BEGIN SOLUTION 6.3 */
/* Load a program in the place of the one that the current task has.  0 or an error: then it has it still. */
static long replace_program(struct task *task, const char *path, char *const argv[],
                            char *const envp[])
{
    struct process *process = task->process;
    struct space *old = space_detach(process);
    long error = program_load(process, path, argv, envp);
    if (error) {
        space_attach(process, old);
        return error;
    }
    space_free(old);
    task_renew(task);
    process_renew(process, path);
    return 0;
}
/* STUB
*/
/* END SOLUTION */

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
    /* BEGIN SOLUTION 6.3 */
    char *path = kmalloc(PATH_MAX), **argv = NULL, **envp = NULL;
    if (!path)
        return -ENOMEM;
    long error = user_memory->string(task, path, args[0], PATH_MAX);
    if (error >= 0)
        error = copy_vector(task, args[1], &argv);
    if (!error)
        error = copy_vector(task, args[2], &envp);
    if (!error)
        error = replace_program(task, path, argv, envp);
    kfree(envp);
    kfree(argv);
    kfree(path);
    return error;
    /* STUB
    (void)task, (void)args;
    return -ENOSYS;
    */
    /* END SOLUTION */
}
SYSCALL(SYS_EXECVE, sys_execve);
