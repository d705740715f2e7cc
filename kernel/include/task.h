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

#include "list.h"
#include "user_context.h"

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

    /* the kernel side of a switch: private to the switcher that serves (lab 2) */
    uintptr_t kernel_stack; /* lowest address, 0 for the boot stack */
    uint64_t kernel_context[16];
    uint64_t float_context[33]; /* f0-f31, fcsr */
};

/* A range of addresses [start, end). */
struct region {
    uintptr_t start, end;
};

enum { PROCESS_FILES = 16, PROCESS_NAME = 32 };

struct process {
    struct task task;
    int pid;
    char name[PROCESS_NAME];
    struct region memory; /* flat loader: the program, its data and its stack */
    struct space *space;  /* from lab 3 on */
    struct file *files[PROCESS_FILES];
};

/* The task that runs in user mode, or on whose behalf the kernel runs; NULL outside task_run(). */
extern struct task *current_task;

/*
 * Make a process whose registers are all zero, with the console as files 0, 1 and 2; nothing is
 * loaded.  name is cut to fit.  Returns NULL when kernel memory runs out.  The caller owns it.
 */
struct process *process_create(const char *name);

/* Give back everything the process still has.  Its task must not be running. */
void process_destroy(struct process *process);

/*
 * Run a task in user mode until it is dying, dealing with each trap on the way, then run the
 * EXIT_HOOKs.  This is a task's whole life; it returns once.  Interrupts are off.
 */
void task_run(struct task *task);

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

/*
 * Set f0-f31 and fcsr to zero.  The kernel uses no floating point, so whatever the last program
 * left in these registers is there for the next to see.
 */
void float_clear(void);

#endif
