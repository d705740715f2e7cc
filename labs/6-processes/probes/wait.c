/* wait.c: families, and who is told of whom. */
#include "errno.h"
#include "kmalloc.h"
#include "platform.h"
#include "probes.h"
#include "signal.h"

static struct process *child_that_ended(struct process *parent, int code)
{
    struct process *child = probe_fork(parent);
    probe_end(child, status_exited((uint64_t)code));
    return child;
}

/* Is a process in this list? */
static bool is_in(const struct list *children, const struct process *process)
{
    const struct list *l = children->next;
    while (l != children && l != &process->family.sibling)
        l = l->next;
    return l != children;
}

/* Hundreds of children at a time, and hundreds that have ended: each is told of, or adopted. */
static void many_children(struct process *parent)
{
    enum { MANY = 300, ENDED = 270, TOLD = 5 };
    static struct process *children[MANY];
    uint64_t page = probe_map(parent, 0, 1, RW, ANON);
    PROBE_CHECK(probe_stores(parent, page, 1) == 0, "memory cannot be written");
    struct process *middle = probe_fork(parent);
    for (int i = 0; i < MANY; i++)
        children[i] = probe_fork(middle);
    /* All have one page, until one of them writes to it. */
    uint8_t value = 0;
    PROBE_CHECK(probe_stores(children[7], page, 2) == 0 && probe_loads(parent, page, &value) == 0 &&
                    value == 1 && probe_loads(children[MANY - 1], page, &value) == 0 && value == 1,
                "of %d processes that have a page one has written to it, and another sees it",
                MANY);
    for (int i = 0; i < ENDED; i++)
        probe_end(children[i], status_exited((uint64_t)i));
    for (int i = 0; i < TOLD; i++) {
        int status = 0, pid = children[i]->pid;
        PROBE_CHECK(probe_wait(middle, -1, 0, &status) == pid &&
                        status == status_exited((uint64_t)i),
                    "of %d children that have ended, wait4() does not tell number %d", ENDED, i);
    }
    PROBE_CHECK(probe_wait(middle, children[MANY - 1]->pid, 1, NULL) == 0,
                "wait4() does not find the last of many children");
    int last = children[ENDED - 1]->pid;
    PROBE_CHECK(probe_wait(middle, last, 0, NULL) == last,
                "wait4() does not find the last of many children that have ended");
    children[ENDED - 1] = children[MANY - 1];
    probe_end(middle, 0);
    for (int i = TOLD; i < MANY; i++) {
        const struct family *first = &first_process->family;
        PROBE_CHECK(children[i]->family.parent == first_process &&
                        is_in(i < ENDED - 1 ? &first->ended : &first->children, children[i]),
                    "a process with %d children has ended, and number %d was not adopted", MANY, i);
    }
    PROBE_CHECK(probe_wait(parent, -1, 0, NULL) > 0, "a child cannot be waited for");
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
    long result;
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

    /* A status has 4 bytes: all of them are written, and none beside them, wherever they are. */
    uint64_t page = probe_map(parent, 0, 2, RW, ANON);
    const uint64_t places[] = {page + 16, page + PAGE_SIZE - 4, page + PAGE_SIZE - 2, page + 33};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        for (int at = -8; at < 12; at++)
            PROBE_CHECK(probe_stores(parent, places[i] + (uint64_t)at, 0x5a) == 0,
                        "memory cannot be written");
        pid = child_that_ended(parent, 4)->pid;
        result = probe_call(parent, SYS_WAIT4, (uint64_t)pid, places[i], 0, 0, 0, 0);
        PROBE_CHECK(result == pid, "wait4() returned %ld, not %d", result, pid);
        for (int at = -8; at < 12; at++) {
            uint8_t byte = 0, wanted = at == 1 ? 4 : at >= 0 && at < 4 ? 0 : 0x5a;
            PROBE_CHECK(probe_loads(parent, places[i] + (uint64_t)at, &byte) == 0 && byte == wanted,
                        "wait4() has left 0x%x at the address of a status + %d, not 0x%x: a status "
                        "has 4 bytes",
                        byte, at, wanted);
        }
    }
    /* What a child has used, 144 bytes of it, goes to the fourth argument. */
    child = child_that_ended(parent, 4);
    child->task.ran = 7777 * platform.timebase;
    pid = child->pid;
    result = probe_call(parent, SYS_WAIT4, (uint64_t)pid, 0, 0, page + 16, 0, 0);
    uint64_t seconds = 0;
    for (unsigned i = 0; i < sizeof(seconds); i++)
        PROBE_CHECK(probe_loads(parent, page + 16 + i, (uint8_t *)&seconds + i) == 0,
                    "memory cannot be read");
    PROBE_CHECK(result == pid && seconds == 7777,
                "wait4() of a child that has had the CPU for 7,777 seconds returned %ld, and tells "
                "of %lu seconds",
                result, seconds);
    probe_unmap(parent, page, 2);

    /* A pid is an int, and so are options: the upper half of their registers says nothing. */
    const uint64_t upper = 0x1234567800000000;
    pid = child_that_ended(parent, 4)->pid;
    result = probe_call(parent, SYS_WAIT4, upper | (uint64_t)pid, 0, upper, 0, 0, 0);
    PROBE_CHECK(result == pid, "wait4(0x%lx, 0, 0x%lx) returned %ld, not %d", upper | (uint64_t)pid,
                upper, result, pid);
    pid = child_that_ended(parent, 4)->pid;
    result = probe_call(parent, SYS_WAIT4, 0xffffffff, 0, upper | 1, 0, 0, 0);
    PROBE_CHECK(result == pid, "wait4(0xffffffff, …) of any child returned %ld, not %d", result,
                pid);
    const uint64_t unknown[] = {4, 16, 0x100, 1UL << 16, upper | 0x101};
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        result = probe_call(parent, SYS_WAIT4, (uint64_t)-1, 0, unknown[i], 0, 0, 0);
        PROBE_CHECK(result == -EINVAL, "wait4() with options 0x%lx returned %ld", unknown[i],
                    result);
    }

    /* An address that is no good: the child is gone all the same. */
    pid = child_that_ended(parent, 4)->pid;
    result = probe_call(parent, SYS_WAIT4, (uint64_t)pid, 8, 0, 0, 0, 0);
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
    result = probe_call(parent, SYS_WAIT4, (uint64_t)-1, 8, 1, 8, 0, 0);
    PROBE_CHECK(result == 0,
                "wait4() with WNOHANG, of children that live, where a status would go to "
                "address 8, returned %ld",
                result);
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
    many_children(parent);
}
