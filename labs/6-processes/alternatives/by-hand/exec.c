/* 6.3: vectors in one walk, and a program that is loaded before anything is asked about the old one. */
#include "arguments.h"
#include "errno.h"
#include "kmalloc.h"
#include "path.h"
#include "process.h"
#include "space.h"
#include "string.h"
#include "syscall.h"
#include "task.h"
#include "user_memory.h"

/* Addresses grow from the start of the piece, strings from its middle. */
long copy_vector(struct task *task, uint64_t address, char ***vector)
{
    char **piece = kmalloc(2 * ARGUMENTS_MAX);
    if (!piece)
        return -ENOMEM;
    char *text = (char *)piece + ARGUMENTS_MAX;
    size_t left = ARGUMENTS_MAX - sizeof(char *), count = 0;
    long error = 0;
    while (address != 0) {
        uint64_t string;
        error = user_memory->in(task, &string, address, sizeof(string));
        if (error || string == 0)
            break;
        if (left < sizeof(char *) + 1) {
            error = -E2BIG;
            break;
        }
        left -= sizeof(char *);
        const long length = user_memory->string(task, text, string, left);
        if (length < 0) {
            error = length == -ENAMETOOLONG ? -E2BIG : length;
            break;
        }
        piece[count++] = text;
        text += length + 1;
        left -= (size_t)length + 1;
        address += sizeof(string);
    }
    if (error) {
        kfree(piece);
        return error;
    }
    *vector = piece;
    return 0;
}

static long sys_execve(struct task *task, const uint64_t args[6])
{
    struct process *process = task->process;
    char *path = kmalloc(PATH_MAX), **argv = NULL, **envp = NULL;
    if (!path)
        return -ENOMEM;
    long error = user_memory->string(task, path, args[0], PATH_MAX);
    error = error < 0 ? error : 0;
    if (!error)
        error = copy_vector(task, args[1], &argv);
    if (!error)
        error = copy_vector(task, args[2], &envp);
    if (!error) {
        struct space *old = space_detach(process), *fresh = NULL;
        error = program_load(process, path, argv, envp);
        if (!error)
            fresh = space_detach(process);
        space_attach(process, old);
        if (!error) {
            /* Through the old one's end, as if it had been exchanged just now. */
            space_destroy(process);
            space_attach(process, fresh);
            task_renew(task);
            process_renew(process, path);
        }
    }
    kfree(envp);
    kfree(argv);
    kfree(path);
    return error;
}
SYSCALL(SYS_EXECVE, sys_execve);
