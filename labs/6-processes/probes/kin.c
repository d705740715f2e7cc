/* kin.c: what the probes of lab 6 share: processes, and calls in their name. */
#include "errno.h"
#include "kernel_stack.h"
#include "kmalloc.h"
#include "probes.h"
#include "scheduler.h"
#include "string.h"

/* Nobody runs but the probe itself, and whom it lets end. */
static struct task *chosen;

static void keep_no_queue(struct task *task)
{
    (void)task;
}

static struct task *pick_chosen(void)
{
    if (chosen && chosen->state == TASK_RUNNABLE)
        return chosen;
    return boot_task->state == TASK_RUNNABLE ? boot_task : NULL;
}

static bool never_over(struct task *task)
{
    (void)task;
    return false;
}

static const struct scheduler_ops one_at_a_time = {
    .enqueue = keep_no_queue, .dequeue = keep_no_queue, .pick = pick_chosen, .tick = never_over};

void probe_begin(void)
{
    scheduler = &one_at_a_time;
    /* The first stack brings in tables of the kernel's own, which stay. */
    uint64_t *stack = kernel_stack_alloc();
    kernel_stack_free(stack);
    probe_frames = 0;
}

struct process *probe_process(const char *name)
{
    struct process *process = process_create(name);
    PROBE_CHECK(process && space_create(process) == 0, "no memory for a process of the probe");
    process->memory = (struct region){0, USER_END};
    family_add(first_process, process);
    return process;
}

void probe_destroy(struct process *process)
{
    PROBE_CHECK(list_empty(&process->family.children) && list_empty(&process->family.ended),
                "%s still has children, who have ended and were waited for", process->name);
    process_destroy(process);
}

long probe_call(struct process *process, unsigned number, uint64_t a0, uint64_t a1, uint64_t a2,
                uint64_t a3, uint64_t a4, uint64_t a5)
{
    const uint64_t args[6] = {a0, a1, a2, a3, a4, a5};
    PROBE_CHECK(syscall_table[number], "there is no system call number %u", number);
    return syscall_table[number](&process->task, args);
}

char *probe_long_directory(void)
{
    enum { LENGTH = 6000 };
    char *name = kmalloc(LENGTH + 1);
    PROBE_CHECK(name, "no kernel memory for a probe");
    memset(name, 'd', LENGTH);
    name[0] = '/';
    return name;
}

struct process *probe_fork(struct process *parent)
{
    const uint64_t sigchld = 17;
    long pid = probe_call(parent, SYS_CLONE, sigchld, 0, 0, 0, 0, 0);
    PROBE_CHECK(pid > 0, "clone() of %s returned %ld (%s)", parent->name, pid, errno_name(pid));
    struct process *child = process_find((int)pid);
    PROBE_CHECK(child && child != parent, "clone() returned %ld, and nobody has this pid", pid);
    return child;
}

void probe_end(struct process *process, int status)
{
    enum { TURNS_MAX = 1000 };
    task_exit(&process->task, status);
    chosen = &process->task;
    for (int turn = 0; process->task.state != TASK_FINISHED; turn++) {
        PROBE_CHECK(turn < TURNS_MAX, "process %d, which is to end, has had no turn", process->pid);
        schedule();
    }
}

long probe_wait(struct process *process, int pid, int options, int *status)
{
    uint64_t page = 0;
    if (status) {
        page = probe_map(process, 0, 1, RW, ANON);
        PROBE_CHECK(probe_stores(process, page, 0) == 0, "a page of the probe's cannot be written");
    }
    long result = probe_call(process, SYS_WAIT4, (uint64_t)pid, page, (uint64_t)options, 0, 0, 0);
    if (status) {
        *status = *(int *)pte_frame(probe_entry(process, page));
        probe_unmap(process, page, 1);
    }
    return result;
}

uint64_t probe_map(struct process *process, uint64_t address, uint64_t pages, unsigned prot,
                   unsigned flags)
{
    long result =
        probe_call(process, SYS_MMAP, address, pages * PAGE_SIZE, prot, flags, UINT64_MAX, 0);
    PROBE_CHECK(result > 0, "mmap() of %lu pages returned %ld", pages, result);
    return (uint64_t)result;
}

void probe_protect(struct process *process, uint64_t address, uint64_t pages, unsigned prot)
{
    long result = probe_call(process, SYS_MPROTECT, address, pages * PAGE_SIZE, prot, 0, 0, 0);
    PROBE_CHECK(result == 0, "mprotect() of %lu pages returned %ld", pages, result);
}

void probe_unmap(struct process *process, uint64_t address, uint64_t pages)
{
    long result = probe_call(process, SYS_MUNMAP, address, pages * PAGE_SIZE, 0, 0, 0, 0);
    PROBE_CHECK(result == 0, "munmap() of %lu pages returned %ld", pages, result);
}

/* Where a byte is that a program may access like this; NULL, and *error, if it may not. */
static uint8_t *reach(struct process *process, uint64_t va, enum access access, long *error)
{
    uint64_t pte = probe_entry(process, va);
    *error = 0;
    if (!(pte_prot(pte) & PROT_USER) || !(pte_prot(pte) & access)) {
        *error = space_fault->fault(process->space, va, access);
        pte = probe_entry(process, va);
    }
    if (*error)
        return NULL;
    PROBE_CHECK((pte_prot(pte) & PROT_USER) && (pte_prot(pte) & access),
                "fault() of 0x%lx for %s returned 0, and its page is %s", va, probe_prot(access),
                probe_prot(pte_prot(pte)));
    return (uint8_t *)pte_frame(pte) + va % PAGE_SIZE;
}

void probe_fill(struct process *process, uint64_t va)
{
    PROBE_CHECK(probe_stores(process, va, 0) == 0, "memory cannot be written");
    uint64_t *words = (uint64_t *)pte_frame(probe_entry(process, va));
    for (uint64_t i = 0; i < PAGE_SIZE / sizeof(*words); i++)
        words[i] = (va + i + 1) * 0x9e3779b97f4a7c15UL;
}

long probe_stores(struct process *process, uint64_t va, uint8_t value)
{
    long error;
    uint8_t *byte = reach(process, va, ACCESS_WRITE, &error);
    if (byte)
        *byte = value;
    return error;
}

long probe_loads(struct process *process, uint64_t va, uint8_t *value)
{
    long error;
    const uint8_t *byte = reach(process, va, ACCESS_READ, &error);
    if (byte)
        *value = *byte;
    return error;
}
