/*
 * process.h: what is given of making processes and giving them programs, for lab 6.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include <stddef.h>
#include <stdint.h>

struct process;
struct space;
struct switch_context;
struct task;

/*
 * Let a new process have what a parent hands down, but for its memory and its registers: its open files, the
 * directory it is in, its priority, its process group and session, and which signals it ignores.  Returns 0 or -ENOMEM.
 */
int process_inherit(struct process *child, const struct process *parent);

/*
 * Copy a vector of strings from the task's memory: addresses of 8 bytes each, the last of which is 0.  A vector
 * at address 0 has none, as on Linux.  Lab 6, task 6.3.
 *
 * *vector: as loader->load() takes it, in kernel memory, with the strings; one kmalloc()ed piece, the caller's
 * to kfree().
 *
 * Returns 0; -EFAULT; -ENOMEM; -E2BIG if strings and addresses, the 0 at the end of each string and of the
 * vector with them, take more than ARGUMENTS_MAX bytes (arguments.h): through many strings, or a long one.
 * -ENOSYS as long as no task defines it.
 * Context: a system call of the task.
 */
long copy_vector(struct task *task, uint64_t address, char ***vector);

/*
 * As loader->load(), but a file that begins with #! names the program that is to read it: that one is loaded,
 * with what else stands in the line, and the path, before the arguments.  See execve(2).
 * An empty argv becomes one empty string, as on Linux.
 */
int program_load(struct process *process, const char *path, char *const argv[], char *const envp[]);

/*
 * What execve() ends besides the old program's memory: files that are open for it alone are closed
 * (O_CLOEXEC).  And the process is called by the path's last part now.
 */
void process_renew(struct process *process, const char *path);

/*
 * Keep the floating-point registers, which are those of the current task's program still, in a context that has
 * not run: a task that begins there begins with them.
 */
void float_keep(struct switch_context *context);

/*
 * The flags of clone() that C libraries use for fork(), and where they want to find pids: see clone(2),
 * CLONE_PARENT_SETTID, CLONE_CHILD_SETTID, CLONE_SETTLS.  The child must have its memory and its registers already: with
 * CLONE_SETTLS its tp is set here, so user.x[] must not be copied afterwards.  It must not have been started.
 * args: clone()'s.  Returns 0; -EINVAL for flags that make threads; -EFAULT; -ENOMEM.  It may sleep.
 */
long clone_for_libraries(struct task *parent, struct process *child, const uint64_t args[6]);

/* struct rusage of a child that has ended, to an address of the task's memory.  0 or -EFAULT. */
long usage_out(struct task *task, uint64_t to, const struct process *child);

/* A child that has ended has been waited for: what it has used counts among its parent's children's from now on. */
void usage_add(struct process *parent, const struct process *child);

#endif
