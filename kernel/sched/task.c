/* task.c: a task's life, and the process around it. */
#include "task.h"

#include "errno.h"
#include "file.h"
#include "job.h"
#include "kernel_stack.h"
#include "kmalloc.h"
#include "loader.h"
#include "memory.h"
#include "panic.h"
#include "print.h"
#include "riscv.h"
#include "scheduler.h"
#include "signal.h"
#include "space.h"
#include "string.h"
#include "timer.h"
#include "trace.h"
#include "trap.h"
#include "wait.h"

extern const struct exit_hook exit_hooks_start[], exit_hooks_end[];
extern char kernel_trap[], user_enter[];
extern uint64_t boot_stack[];

static struct process boot_process = {
    .name = "kernel",
    .pid = 1,
    .group = 1,
    .session = 1,
    .priority = PRIORITY_INITIAL,
    .family =
        {
            .children = LIST_INIT(boot_process.family.children),
            .ended = LIST_INIT(boot_process.family.ended),
            .sibling = LIST_INIT(boot_process.family.sibling),
            .child_ended = WAIT_QUEUE_INIT(boot_process.family.child_ended),
        },
    .task =
        {
            .process = &boot_process,
            .run_node = LIST_INIT(boot_process.task.run_node),
            .wait_node = LIST_INIT(boot_process.task.wait_node),
            .all_node = LIST_INIT(boot_process.task.all_node),
            .canary = SWITCH_CANARY,
            .stack = boot_stack,
            .stack_size = BOOT_STACK_SIZE,
        },
};
struct task *const boot_task = &boot_process.task;
struct process *const first_process = &boot_process;
struct task *current_task = &boot_process.task; /* whoever panics early is looked up here */

static int next_pid = 2;

/* All tasks that have been started and not destroyed, in that order. */
static struct list all_tasks = LIST_INIT(all_tasks);
static size_t living;  /* how many of them have not ended */
static size_t awaited; /* how many of these boot_task has started itself: the deck's */

void user_context_init(struct user_context *context)
{
    context->user_satp = 0;
    context->self = (uintptr_t)context;
    context->enter = (uintptr_t)user_enter;
}

struct process *process_create(const char *name)
{
    struct process *process = kmalloc(sizeof(*process));
    if (!process)
        return NULL;
    struct task *task = &process->task;
    task->process = process;
    list_init(&task->run_node);
    list_init(&task->wait_node);
    list_init(&task->all_node);
    family_init(&process->family);
    process->priority = PRIORITY_INITIAL;
    task->canary = SWITCH_CANARY;
    task->user.kernel_trap = (uintptr_t)kernel_trap;
    user_context_init(&task->user);
    /* To user mode (SPP clear), floating point on and in its initial state. */
    uint64_t sstatus = csr_read(sstatus) & ~(uint64_t)(SSTATUS_SPP | SSTATUS_SIE | SSTATUS_FS);
    task->user.sstatus = sstatus | SSTATUS_SPIE | SSTATUS_FS_INITIAL;

    /* A group and a session of its own, until it inherits those of a parent. */
    process->pid = process->group = process->session = next_pid++;
    for (size_t i = 0; name[i] && i + 1 < PROCESS_NAME; i++)
        process->name[i] = name[i];
    process->files[0] = &console_input;
    process->files[1] = &console_output;
    process->files[2] = &console_output;
    for (int fd = 0; fd < 3; fd++)
        process->files[fd]->references++;
    return process;
}

void process_close(struct process *process, uint32_t which)
{
    for (size_t fd = 0; fd < PROCESS_FILES; fd++) {
        struct file *file = process->files[fd];
        if (!file || !(which >> fd & 1))
            continue;
        process->files[fd] = NULL;
        file_put(file);
    }
}

static void close_files_of_task(struct task *task)
{
    process_close(task->process, UINT32_MAX);
}
EXIT_HOOK(0, close_files_of_task);

void process_destroy(struct process *process)
{
    struct task *task = &process->task;
    assert(task != current_task);
    if (!list_empty(&process->family.children) || !list_empty(&process->family.ended))
        panic("process %d (%s) goes, and still has children: see process_exit_notify() (task 6.4)",
              process->pid, process->name);
    list_remove(&process->family.sibling);
    kfree(process->directory);
    process_close(process, UINT32_MAX);
    loader->unload(process);
    list_remove(&task->run_node);
    list_remove(&task->wait_node);
    list_remove(&task->all_node);
    kernel_stack_free(task->stack);
    kfree(process);
}

static void task_finish(struct task *task)
{
    struct process *process = task->process;
    process->faults = process->space ? process->space->minor_faults : 0; /* before it goes */
    for (const struct exit_hook *hook = exit_hooks_start; hook < exit_hooks_end; hook++)
        hook->function(task);
    task->state = TASK_FINISHED;
}

void task_renew(struct task *task)
{
    task->renewed = true;
    if (task->process->space)
        space_publish(task->process->space);
    task->called_at = task->user.sepc;
    task->renewed_sp = task->user.x[X_SP];
}

/* What task_renew() has promised. */
static __attribute__((noinline)) void begin_anew(struct task *task)
{
    uint64_t sp = task->renewed_sp;
    memset(task->user.x, 0, sizeof(task->user.x));
    task->user.x[X_SP] = sp;
    task->user.sepc = task->called_at;
    task->renewed = false;
    /* Its floating-point registers are as they were, and the context has them. */
    memset(task->context.f, 0, sizeof(task->context.f));
    task->context.fcsr = 0;
    float_clear();
    task->user.sstatus = (task->user.sstatus & ~(uint64_t)SSTATUS_FS) | SSTATUS_FS_INITIAL;
}

void task_run(struct task *task)
{
    /* As an ordinary call, not from task_begin(): on the caller's stack. */
    struct task *before = current_task;
    uint64_t *stack = task->stack;
    size_t stack_size = task->stack_size;
    if (before != task) {
        task->stack = before->stack;
        task->stack_size = before->stack_size;
        task->since = time_now(); /* no scheduler has said when its turn began */
    }
    current_task = task;
    task->user.kernel_satp = csr_read(satp);
    while (!task->dying) {
        trap_dispatch(task, user_run(&task->user));
        /* Whoever sleeps in an execve() clears need_resched, so nothing else may hang on it. */
        if (task->renewed)
            begin_anew(task);
        if (need_resched && !task->dying)
            schedule();
    }
    task_finish(task);
    task->stack = stack;
    task->stack_size = stack_size;
    current_task = before;
}

void task_exit(struct task *task, int wait_status)
{
    if (task->dying)
        return;
    task->dying = true;
    task->wait_status = wait_status;
}

int task_start(struct task *task)
{
    task->stack = kernel_stack_alloc();
    if (!task->stack)
        return -ENOMEM;
    task->stack_size = KERNEL_STACK_SIZE;
    task->stack[0] = SWITCH_CANARY;
    task->context.ra = (uintptr_t)task_begin;
    task->context.sp = (uintptr_t)task->stack + KERNEL_STACK_SIZE;
    list_append(&all_tasks, &task->all_node);
    if (task->process->space)
        space_publish(task->process->space);
    living++;
    task->process->family.is_awaited = current_task == boot_task;
    awaited += task->process->family.is_awaited;
    if (!task->process->family.parent)
        process_set_parent(first_process, task->process);
    const struct job *job = task->process->job;
    trace_event(task, TRACE_START, job ? (uint16_t)job->index : TRACE_NO_JOB);
    scheduler->enqueue(task);
    return 0;
}

void task_end(struct task *task)
{
    scheduler->dequeue(task);
    trace_event(task, TRACE_END, 0);
    living--;
    awaited -= task->process->family.is_awaited;
    process_exit_notify(task->process);
    if (awaited == 0)
        wake_all(&first_process->family.child_ended); /* task_wait() has nobody to wait for */
}

void task_begin(void)
{
    struct task *task = current_task;
    trace_event(task, TRACE_BEGIN, 0);
    task_run(task);
    task_end(task);
    schedule();
    panic("%s has ended, and was switched to again", task->process->name);
}

/*
 * The deck is done, and processes are left that its jobs have left behind: orphans, and their children.  They are killed,
 * whatever they do.  One in the middle of a fork() may have one more child: then task_wait() comes here again.
 */
static void kill_the_rest(void)
{
    size_t killed = 0;
    const struct process *first = NULL;
    for (struct task *task = NULL; (task = task_next(task));) {
        if (task->dying || task->state == TASK_FINISHED)
            continue;
        process_signal(task->process, SIGKILL);
        first = first ? first : task->process;
        killed++;
    }
    if (first)
        report("deck: all jobs have ended; killed what they left behind: %s, pid %d%s", first->name,
               first->pid, killed > 1 ? ", and others" : "");
}

struct task *task_wait(void)
{
    struct family *family = &first_process->family;
    for (;;) {
        while (list_empty(&family->ended)) {
            if (living == 0)
                return NULL;
            if (awaited == 0)
                kill_the_rest();
            wait_on(&family->child_ended);
        }
        struct process *process = container_of(family->ended.next, struct process, family.sibling);
        list_remove(&process->family.sibling);
        if (process->family.is_awaited)
            return &process->task;
        process_destroy(process);
    }
}

struct task *task_next(const struct task *task)
{
    const struct list *next = task ? task->all_node.next : all_tasks.next;
    return next == &all_tasks ? NULL : container_of(next, struct task, all_node);
}

struct task *first_runnable(void)
{
    if (current_task->state == TASK_RUNNABLE)
        return current_task;
    if (boot_task->state == TASK_RUNNABLE)
        return boot_task;
    struct task *task = task_next(NULL);
    while (task && task->state != TASK_RUNNABLE)
        task = task_next(task);
    return task;
}
