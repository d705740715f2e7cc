/* probes.h: the probes of lab 6, and what they share. */
#ifndef PROBES_H
#define PROBES_H

#include "family.h"
#include "file.h"
#include "mmap.h"
#include "probe.h"
#include "process.h"
#include "scarce.h"
#include "syscall.h"
#include "task.h"

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

/* Begin a probe with processes: from now on only those run whom the probe lets end. */
void probe_begin(void);

/* A process with an empty space, a child of the first one.  It never runs: calls are made in its name. */
struct process *probe_process(const char *name);

/* Take one away that probe_process() has made; its children must have ended. */
void probe_destroy(struct process *process);

/* Make a system call for a process. */
long probe_call(struct process *process, unsigned number, uint64_t a0, uint64_t a1, uint64_t a2,
                uint64_t a3, uint64_t a4, uint64_t a5);

/* fork() for a process, that must work: the child, which does not run before somebody calls schedule(). */
struct process *probe_fork(struct process *parent);

/* Let a process that has been started end with this wait status, and run until it has. */
void probe_end(struct process *process, int status);

/* wait4(pid, &status, options, NULL) for a process; status may be NULL. */
long probe_wait(struct process *process, int pid, int options, int *status);

/* mmap() of whole pages, that must work; mprotect() and munmap() likewise. */
uint64_t probe_map(struct process *process, uint64_t address, uint64_t pages, unsigned prot,
                   unsigned flags);
void probe_protect(struct process *process, uint64_t address, uint64_t pages, unsigned prot);
void probe_unmap(struct process *process, uint64_t address, uint64_t pages);

/* Store or load a byte as a program does it: what fault() says, 0 when it has worked. */
long probe_stores(struct process *process, uint64_t va, uint8_t value);
long probe_loads(struct process *process, uint64_t va, uint8_t *value);

/* Store to all of a page: no word is 0, and no two are alike. */
void probe_fill(struct process *process, uint64_t va);

/* How many bytes of kernel memory are left (scarce.h): in steps of these, and at most. */
enum { MEMORY_STEP = 112, MEMORY_MOST = SCARCE_MAX };

/*
 * The name of a directory, "/ddd…", kmalloc()ed: so long that it takes more memory to hand it down than anything that a
 * child has by then for a moment.
 */
char *probe_long_directory(void);

/* The entry of a page; 0: there is none. */
static inline uint64_t probe_entry(const struct process *process, uint64_t va)
{
    return probe_leaf(&process->space->table, va);
}

void fork_areas(unsigned long argument);
void fork_arguments(unsigned long argument);
void fork_memory(unsigned long argument);
void copies_counted(unsigned long argument);
void copies_memory(unsigned long argument);
void copies_random(unsigned long argument);
void exec_vectors(unsigned long argument);
void exec_programs(unsigned long argument);
void spawn_programs(unsigned long argument);
void stride_rules(unsigned long argument);
void families_wait(unsigned long argument);
void stride_shares(unsigned long argument);
void stride_newcomers(unsigned long argument);
void stride_wraps(unsigned long argument);
void figures(unsigned long argument);

#endif
