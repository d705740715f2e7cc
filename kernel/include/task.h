/*
 * task.h: tasks and processes: who runs, and who owns what.
 *
 * The scheduling state is the task's, the resources are the process's.  A process has one task;
 * the given kernel allocates both together.  Labs write operations on these structs, never fields.
 */
#ifndef TASK_H
#define TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "family.h"
#include "list.h"
#include "switch.h"
#include "syscall.h"
#include "user_context.h"

struct job;
struct process;
struct space;
struct file;
struct wait_queue;

enum task_state { TASK_RUNNABLE, TASK_WAITING, TASK_FINISHED };

struct task {
    struct user_context user;
    struct process *process;
    enum task_state state;
    bool dying;      /* ends instead of going back to user mode */
    int wait_status; /* how it ended: signal.h */

    /* scheduling: private to the scheduler that serves (lab 2: round robin, lab 6: stride) */
    struct list run_node;
    uint64_t policy[4];

    /* waiting: private to wait.c */
    struct list wait_node;
    struct wait_queue *waiting_on;
    bool interruptible; /* a signal that ends it wakes it */

    struct list all_node; /* in the list of all tasks */

    /* where the kernel goes on with this task: switch.h */
    struct switch_context context;
    uint64_t canary;   /* SWITCH_CANARY, unless somebody wrote beyond the context */
    uint64_t *stack;   /* the kernel's stack for this task: its lowest word */
    size_t stack_size; /* bytes */

    /*
     * Where the system call in progress was made: its program goes on 4 bytes behind.  What user.sepc is
     * meanwhile depends on who serves the trap.
     */
    uint64_t called_at;
    bool renewed; /* the program is another one: task_renew(), and its first sp */
    uint64_t renewed_sp;

    uint64_t ran;                  /* ticks of the CPU that it has had, up to its last turn's end */
    uint64_t since;                /* when its turn began */
    uint32_t calls[SYSCALL_LIMIT]; /* how often it made each system call (lab 2, task 2.6) */
};

/* A range of addresses [start, end). */
struct region {
    uintptr_t start, end;
};

enum { PROCESS_FILES = 16, PROCESS_NAME = 32 };

struct process {
    int pid;
    int group,
        session; /* process group, session: each the pid of the process that began it; setpgid(2), setsid(2) */
    char name[PROCESS_NAME];
    const struct job *job; /* what it was started for (job.h); NULL when for none */
    /* flat loader: the program, its data and its stack; with a space {0, USER_END}: what can be a program's at all */
    struct region memory;
    struct space *space; /* from lab 3 on */
    struct file *files[PROCESS_FILES];
    struct file *written; /* that a system call of its own is writing to: file_write_whole() */

    /* from lab 6 on */
    struct family family;
    unsigned priority; /* of its task: what set_priority() was told, at first PRIORITY_INITIAL */
    uint32_t close_on_exec;   /* bit fd: execve() closes that file */
    uint64_t ignored_signals; /* bit n - 1: signal n does nothing to it */
    char *directory;          /* where paths begin, "/disk/a"; NULL: the root */
    bool has_renewed;         /* it has a program of its own: process_renew() */

    /* usage.c's: what ended children had, ticks and faults; and faults of its own, when it has ended */
    uint64_t children_ran, children_faults, faults;

    struct task task;
};

enum { PRIORITY_MIN = 2, PRIORITY_INITIAL = 16, PRIORITY_MAX = 1 << 16 };

/* The task that runs in user mode, or on whose behalf the kernel runs.  At boot: boot_task. */
extern struct task *current_task;

/*
 * The kernel's own thread of control from boot on, which runs initcalls and the runner.  It has the
 * boot stack and no program.  Nobody has made its process, which is called "kernel" and has pid 1: it is
 * everybody's first ancestor, and adopts who has lost theirs (family.h).
 */
extern struct task *const boot_task;

/*
 * Make a process whose registers are all zero, with the console as files 0, 1 and 2; nothing is
 * loaded.  name is cut to fit.  Returns NULL when kernel memory runs out.  The caller owns it.
 */
struct process *process_create(const char *name);

/* Close those of its files whose bit is set (bit fd); the last user of a file closes it for good. */
void process_close(struct process *process, uint32_t which);

/* Give back everything the process still has.  Its task must not be running. */
void process_destroy(struct process *process);

/*
 * Run a task in user mode until it is dying, dealing with each trap on the way, then run the
 * EXIT_HOOKs.  This is a task's whole life; it returns once.  Interrupts are off.
 */
void task_run(struct task *task);

/*
 * Let a task run beside the others from now on: give it a kernel stack, on which its life (see
 * task_run()) begins when it is first switched to, and hand it to the scheduler.  If its process is nobody's child yet,
 * it is the first process's from now on.
 *
 * Returns 0, or -ENOMEM when there is no memory for the stack; the process is then as it was.  The
 * process must be loaded, and stays the caller's: see task_wait().
 */
int task_start(struct task *task);

/* The task that was started after this one, or the first for NULL; NULL at the end: for who looks at all. */
struct task *task_next(const struct task *task);

/*
 * Wait until one more of the tasks that boot_task has started itself has ended, and return it; each is returned
 * once, in the order in which they ended.  The caller destroys its process.  Orphans that have ended are reaped on the
 * way.  When each has been returned, processes that are left are orphans: they are killed (SIGKILL), which a line
 * reports, and reaped; then the result is NULL.  To call: from boot_task.
 */
struct task *task_wait(void);

/*
 * Mark a task as ending with this wait status (signal.h).  It returns: the task is gone when the
 * kernel would next go back to it in user mode.  The first call counts, later ones change nothing.
 */
void task_exit(struct task *task, int wait_status);

/* EXIT_HOOK(level, function): void function(struct task *), when a task ends, lowest level first. */
struct exit_hook {
    void (*function)(struct task *task);
    const char *name;
};
#define EXIT_HOOK(level_, function_)                    \
    static const struct exit_hook exit_hook_##function_ \
        __attribute__((used, section(".exit_hooks." #level_))) = {function_, #function_}

/* Never pick a task again whose task_run() has returned, and let its family know. */
void task_end(struct task *task);

/*
 * The program of the current task has been replaced: when it next goes to user mode, it begins where user.sepc
 * says now, with user.x[X_SP] as it is now and all other registers zero, whatever the rest of the system
 * call does to them.
 */
void task_renew(struct task *task);

/* The life of the task that is switched to for the first time.  On its own stack. */
_Noreturn void task_begin(void);

/*
 * Set f0-f31 and fcsr to zero.  The kernel uses no floating point, so whatever the last program
 * left in these registers is there for the next to see.
 */
void float_clear(void);

#endif
