/* 6.5: what is handed down comes first, and the program last. */
#include "errno.h"
#include "family.h"
#include "kmalloc.h"
#include "path.h"
#include "process.h"
#include "syscall.h"
#include "task.h"
#include "user_memory.h"

static long sys_spawn(struct task *task, const uint64_t args[6])
{
    char **vector[2] = {NULL, NULL}, *path = kmalloc(PATH_MAX);
    struct process *child = NULL;
    long result = path ? user_memory->string(task, path, args[0], PATH_MAX) : -ENOMEM;
    for (int i = 0; i < 2 && result >= 0; i++)
        result = copy_vector(task, args[1 + i], &vector[i]);
    if (result >= 0) {
        child = process_create("");
        result = child ? process_inherit(child, task->process) : -ENOMEM;
    }
    if (result == 0)
        process_renew(child, path);
    if (result == 0)
        result = program_load(child, path, vector[0], vector[1]);
    if (result == 0)
        result = task_start(&child->task);
    if (result == 0) {
        process_set_parent(task->process, child);
        result = child->pid;
    } else if (child) {
        process_destroy(child);
    }
    kfree(vector[1]);
    kfree(vector[0]);
    kfree(path);
    return result;
}
SYSCALL(SYS_SPAWN, sys_spawn);
