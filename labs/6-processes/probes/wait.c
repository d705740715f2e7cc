/* wait.c: families, and who is told of whom. */
#include "errno.h"
#include "kmalloc.h"
#include "probes.h"
#include "signal.h"

static struct process *child_that_ended(struct process *parent, int code)
{
    struct process *child = probe_fork(parent);
    probe_end(child, status_exited((uint64_t)code));
    return child;
}

void families_wait(unsigned long argument)
{
    (void)argument;
    probe_begin();
    struct process *parent = probe_process("parent"), *other = probe_process("other");
    probe_unmap(parent, probe_map(parent, 0, 1, RW, ANON | MAP_POPULATE),
                1); /* tables, which stay */
    long frames = probe_frames;
    size_t heap = kmalloc_free_bytes();
    int status = 0;
    struct process *child = child_that_ended(parent, 3);
    int pid = child->pid;
    child->task.ran += 123456789;
    PROBE_CHECK(!child->space, "a child has ended, and has its memory still");
    PROBE_CHECK(probe_wait(other, pid, 0, NULL) == -ECHILD &&
                    probe_wait(other, -1, 1, NULL) == -ECHILD,
                "wait4() of somebody else's child is not -ECHILD");
    PROBE_CHECK(probe_wait(parent, pid + 1000, 0, NULL) == -ECHILD,
                "wait4() of nobody is not -ECHILD");
    PROBE_CHECK(probe_wait(parent, pid, 0, &status) == pid && status == status_exited(3),
                "wait4() of a child that exited with 3: the status is 0x%x", (unsigned)status);
    PROBE_CHECK(parent->children_ran >= 123456789,
                "what a child has used is not its parent's children's: usage_add()");
    PROBE_CHECK(!process_find(pid) && probe_wait(parent, pid, 0, NULL) == -ECHILD,
                "a child was waited for, and is still there");
    PROBE_CHECK(probe_frames == frames && kmalloc_free_bytes() == heap,
                "a child was waited for: %ld frames and %ld bytes are missing",
                probe_frames - frames, (long)heap - (long)kmalloc_free_bytes());

    /* A status has 4 bytes. */
    uint64_t page = probe_map(parent, 0, 1, RW, ANON);
    uint8_t behind = 0;
    PROBE_CHECK(probe_stores(parent, page + 4, 0x5a) == 0, "memory cannot be written");
    pid = child_that_ended(parent, 4)->pid;
    PROBE_CHECK(probe_call(parent, SYS_WAIT4, (uint64_t)pid, page, 0, 0, 0, 0) == pid &&
                    probe_loads(parent, page + 4, &behind) == 0 && behind == 0x5a,
                "wait4() has written more than the 4 bytes of a status");
    probe_unmap(parent, page, 1);

    /* An address that is no good: the child is gone all the same. */
    pid = child_that_ended(parent, 4)->pid;
    long result = probe_call(parent, SYS_WAIT4, (uint64_t)pid, 8, 0, 0, 0, 0);
    PROBE_CHECK(result == -EFAULT && !process_find(pid),
                "wait4() with a status at address 8 returned %ld", result);
    pid = child_that_ended(parent, 4)->pid;
    result = probe_call(parent, SYS_WAIT4, (uint64_t)pid, 0, 0, 8, 0, 0);
    PROBE_CHECK(result == -EFAULT && !process_find(pid),
                "wait4() with a usage at address 8 returned %ld", result);

    /* Those that have ended come in that order. */
    struct process *first = probe_fork(parent), *second = probe_fork(parent);
    int pids[2] = {first->pid, second->pid};
    PROBE_CHECK(probe_wait(parent, -1, 1, NULL) == 0, "WNOHANG while two children live");
    PROBE_CHECK(
        probe_wait(parent, 0, 1, NULL) == 0 && probe_wait(parent, -parent->group, 1, NULL) == 0,
        "wait4() of pid 0 or %d, the parent's group, does not find two that live", -parent->group);
    probe_end(second, 0);
    PROBE_CHECK(probe_wait(parent, pids[0], 1, NULL) == 0, "WNOHANG of a child that lives");
    probe_end(first, 0);
    PROBE_CHECK(probe_wait(parent, -1, 0, NULL) == pids[1] &&
                    probe_wait(parent, -1, 0, NULL) == pids[0],
                "wait4() of any child does not begin with the one that has ended first");

    /* Who ends leaves its own to the first process: those that live, and those that have ended. */
    child = probe_fork(parent);
    struct process *living = probe_fork(child), *dead = child_that_ended(child, 5);
    int dead_pid = dead->pid;
    probe_end(child, 0);
    PROBE_CHECK(living->family.parent == first_process, "an orphan's parent is process %d",
                living->family.parent ? living->family.parent->pid : 0);
    PROBE_CHECK(process_find(dead_pid) && dead->family.parent == first_process,
                "a child that had ended before its parent did is nobody's");
    const struct list *ended = &first_process->family.ended, *l = ended->next;
    while (l != ended && l != &dead->family.sibling)
        l = l->next;
    PROBE_CHECK(l != ended, "a child that had ended before its parent did is not among the ended "
                            "children of the first process, which will wait for it for ever");
    PROBE_CHECK(probe_wait(parent, dead_pid, 1, NULL) == -ECHILD, "a grandchild can be waited for");
    PROBE_CHECK(probe_wait(parent, -1, 0, NULL) > 0, "a child cannot be waited for");
    probe_end(living, 0);
}
