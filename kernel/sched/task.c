/* task.c: a task's life, and the process around it. */
#include "task.h"

#include "errno.h"
#include "file.h"
#include "kmalloc.h"
#include "loader.h"
#include "riscv.h"
#include "string.h"
#include "trap.h"

extern const struct exit_hook exit_hooks_start[], exit_hooks_end[];
extern char kernel_trap[];

struct task *current_task;

static int next_pid = 1;

struct process *process_create(const char *name)
{
    struct process *process = kmalloc(sizeof(*process));
    if (!process)
        return NULL;
    struct task *task = &process->task;
    task->process = process;
    list_init(&task->run_node);
    list_init(&task->wait_node);
    task->user.self = (uintptr_t)&task->user;
    task->user.kernel_trap = (uintptr_t)kernel_trap;
    /* To user mode (SPP clear), floating point on and in its initial state. */
    uint64_t sstatus = csr_read(sstatus) & ~(uint64_t)(SSTATUS_SPP | SSTATUS_SIE | SSTATUS_FS);
    task->user.sstatus = sstatus | SSTATUS_SPIE | SSTATUS_FS_INITIAL;

    process->pid = next_pid++;
    for (size_t i = 0; name[i] && i + 1 < PROCESS_NAME; i++)
        process->name[i] = name[i];
    process->files[0] = &console_input;
    process->files[1] = &console_output;
    process->files[2] = &console_output;
    for (int fd = 0; fd < 3; fd++)
        process->files[fd]->references++;
    return process;
}

/* Put the process's open files back, the last user of each closes it. */
static void close_files(struct process *process)
{
    for (size_t fd = 0; fd < PROCESS_FILES; fd++) {
        struct file *file = process->files[fd];
        process->files[fd] = NULL;
        if (file && --file->references == 0 && file->ops->close)
            file->ops->close(file);
    }
}

static void close_files_of_task(struct task *task)
{
    close_files(task->process);
}
EXIT_HOOK(0, close_files_of_task);

void process_destroy(struct process *process)
{
    close_files(process);
    loader->unload(process);
    list_remove(&process->task.run_node);
    list_remove(&process->task.wait_node);
    kfree(process);
}

static void task_finish(struct task *task)
{
    for (const struct exit_hook *hook = exit_hooks_start; hook < exit_hooks_end; hook++)
        hook->function(task);
    task->state = TASK_FINISHED;
}

void task_run(struct task *task)
{
    struct task *before = current_task;
    current_task = task;
    task->user.kernel_satp = csr_read(satp);
    while (!task->dying)
        trap_dispatch(task, user_run(&task->user));
    task_finish(task);
    current_task = before;
}

void task_exit(struct task *task, int wait_status)
{
    if (task->dying)
        return;
    task->dying = true;
    task->wait_status = wait_status;
}
