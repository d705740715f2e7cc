/* faults.c: probes of the page fault itself (task 4.1). */
#include "errno.h"
#include "frame.h"
#include "memory.h"
#include "probes.h"
#include "signal.h"
#include "string.h"
#include "trap.h"

enum { FAR = 700 }; /* pages to another table */
#define BASE 0x40000000UL
#define RW_U (PROT_USER | PROT_READ | PROT_WRITE)

struct process probe_process = {.name = "probe"};
static struct space space;

void probe_new_space(void)
{
    space = (struct space){0};
    area_set_init(&space.areas);
    PROBE_CHECK(page_table->create(&space.table) == 0, "no memory for a page table");
    probe_process.task.process = &probe_process;
    probe_process.task.dying = false;
    probe_process.space = &space;
    probe_process.memory = (struct region){0, USER_END};
}

void probe_area(uint64_t start, uint64_t pages, unsigned prot, const struct backend *backend)
{
    const struct spaces_ops *lower = slot_below(spaces, 4);
    const struct area wanted = {
        .start = start, .end = start + pages * PAGE_SIZE, .prot = prot, .backend = backend};
    int error = lower->map(&space, &wanted);
    PROBE_CHECK(error == 0, "an area at 0x%lx cannot be mapped: %d (lab 3, task 3.4)", start,
                error);
}

struct probe_asked probe_asked;

/* Do we stand in for what page_fault.c asks of other tasks? */
static bool answering;

STAND_IN(stack_grow);
int __wrap_stack_grow(struct space *asker, uint64_t va)
{
    if (!answering)
        return __real_stack_grow(asker, va);
    probe_asked.grow++;
    probe_asked.grow_at = va;
    return probe_asked.grow_result;
}

STAND_IN(reclaim_frames);
bool __wrap_reclaim_frames(const struct space *asker)
{
    if (!answering)
        return __real_reclaim_frames(asker);
    probe_asked.relieve++;
    return probe_asked.relieve_result;
}

STAND_IN(oom_kill);
void __wrap_oom_kill(struct task *task, uint64_t cause)
{
    if (!answering) {
        __real_oom_kill(task, cause);
        return;
    }
    probe_asked.end++;
    probe_asked.end_cause = cause;
    task_exit(task, status_killed(SIGKILL));
}

void probe_answer(void)
{
    answering = true;
    probe_asked = (struct probe_asked){.grow_result = -EFAULT};
}

static const char *access_name(enum access access)
{
    return access == ACCESS_WRITE ? "write" : access == ACCESS_READ ? "read" : "fetch";
}

static bool is_zero(uintptr_t frame)
{
    const uint64_t *words = (const uint64_t *)frame;
    for (size_t i = 0; i < PAGE_SIZE / sizeof(*words); i++)
        if (words[i] != 0)
            return false;
    return true;
}

/* Touch va, and demand that it works and that this one page is there then. */
static uint64_t touch(uint64_t va, enum access access)
{
    size_t leaves = probe_leaves(&space.table), more = !probe_leaf(&space.table, va);
    long error = space_fault->fault(&space, va, access);
    PROBE_CHECK(error == 0, "a %s at 0x%lx, %s: fault() returned %ld", access_name(access), va,
                more ? "where it is permitted"
                     : "whose page is there already, and its area permits it",
                error);
    uint64_t pte = probe_leaf(&space.table, va);
    PROBE_CHECK(
        pte_prot(pte) & access,
        "after a %s at 0x%lx, where it is permitted, the page is %s: the access fails again",
        access_name(access), va, pte ? probe_prot(pte_prot(pte)) : "not mapped");
    size_t now = probe_leaves(&space.table);
    PROBE_CHECK(now == leaves + more, "a %s at 0x%lx has brought in %ld pages, not %zu",
                access_name(access), va, (long)(now - leaves), more);
    return pte;
}

/* k of n pages, in any order: each comes alone, full of zeros, with the permissions of its area. */
void fault_fill(unsigned long argument)
{
    (void)argument;
    enum { PAGES = 40, TOUCHED = 17 };
    probe_answer();
    /* So that frames are not zero by themselves. */
    uintptr_t used[2 * PAGES];
    for (size_t i = 0; i < 2 * PAGES; i++) {
        used[i] = frame_alloc();
        memset((void *)used[i], 0xa5, PAGE_SIZE);
    }
    for (size_t i = 0; i < 2 * PAGES; i++)
        frame_put(used[i]);

    long before = probe_frames;
    probe_new_space();
    probe_area(BASE, PAGES, RW_U, spaces->anonymous);
    probe_area(BASE + FAR * PAGE_SIZE, PAGES, RW_U, spaces->anonymous);
    PROBE_CHECK(probe_leaves(&space.table) == 0, "an area that is not to be populated has pages");
    for (size_t i = 0; i < TOUCHED; i++) {
        uint64_t va = BASE + i * 7 % PAGES * PAGE_SIZE + i * 500 % PAGE_SIZE;
        uint64_t pte = touch(va, ACCESS_WRITE);
        PROBE_CHECK(pte_prot(pte) == RW_U, "the page at 0x%lx is %s, its area rw-u", va,
                    probe_prot(pte_prot(pte)));
        PROBE_CHECK(is_zero(pte_frame(pte)), "the new page at 0x%lx is not zero", va);
        PROBE_CHECK(space.minor_faults == i + 1, "after %zu pages that came minor_faults is %lu",
                    i + 1, space.minor_faults);
        memset((void *)pte_frame(pte), 0x77, PAGE_SIZE);
    }
    long took = probe_frames - before, tables = (long)probe_tables(&space.table);
    PROBE_CHECK(took == TOUCHED + tables,
                "writing to %d pages, with %ld page tables, took %ld frames", TOUCHED, tables,
                took);
    /* What is there is not touched again. */
    for (size_t i = 0; i < TOUCHED; i++) {
        uint64_t va = BASE + i * 7 % PAGES * PAGE_SIZE, pte = probe_leaf(&space.table, va);
        touch(va, i % 2 ? ACCESS_READ : ACCESS_WRITE);
        PROBE_CHECK(probe_leaf(&space.table, va) == pte && *(char *)pte_frame(pte) == 0x77,
                    "a fault at 0x%lx, whose page is there and permits it, has changed the page",
                    va);
    }
    PROBE_CHECK(
        space.minor_faults == TOUCHED && probe_frames - before == took,
        "faults of pages that are there: minor_faults went from %d to %lu, frames in use by "
        "%ld",
        TOUCHED, space.minor_faults, probe_frames - before - took);

    /* Reading first: all may show one page of zeros, until they are written to. */
    for (size_t i = 0; i < TOUCHED; i++) {
        uint64_t pte = touch(BASE + (FAR + i * 11 % PAGES) * PAGE_SIZE, ACCESS_READ);
        PROBE_CHECK(is_zero(pte_frame(pte)), "a page that is read first is not zero");
    }
    for (size_t i = 0; i < TOUCHED; i++) {
        uint64_t pte = touch(BASE + (FAR + i * 11 % PAGES) * PAGE_SIZE, ACCESS_WRITE);
        PROBE_CHECK(is_zero(pte_frame(pte)),
                    "a page that was read and is then written to shows what another has written");
        memset((void *)pte_frame(pte), 0x66, PAGE_SIZE);
    }
    PROBE_CHECK(probe_asked.relieve == 0 && probe_asked.end == 0 && probe_asked.grow == 0,
                "there was memory, and no stack to grow, but reclaim_frames(), oom_kill() or "
                "stack_grow() was called");
}

/* All permissions of an area against all accesses. */
void fault_permissions(unsigned long argument)
{
    (void)argument;
    const enum access accesses[] = {ACCESS_READ, ACCESS_WRITE, ACCESS_EXECUTE};
    probe_answer();
    probe_new_space();
    for (unsigned prot = 0; prot < 16; prot++) {
        for (unsigned i = 0; i < 3; i++) {
            enum access access = accesses[i];
            uint64_t va = BASE + (uint64_t)(prot * 3 + i) * PAGE_SIZE;
            probe_area(va, 1, prot, spaces->anonymous);
            unsigned enough = access == ACCESS_READ ? PROT_READ | PROT_WRITE : (unsigned)access;
            if ((prot & PROT_USER) && (prot & enough)) {
                touch(va + 8, access);
                continue;
            }
            long error = space_fault->fault(&space, va + 8, access);
            PROBE_CHECK(error == -EFAULT, "a %s in an area that is %s: fault() returned %ld",
                        access_name(access), probe_prot(prot), error);
            PROBE_CHECK(!probe_leaf(&space.table, va),
                        "a %s in an area that is %s is refused, but its page has come",
                        access_name(access), probe_prot(prot));
        }
    }
    /* A page that is there, and permits less or more than its area. */
    uint64_t less = BASE + FAR * PAGE_SIZE, more = less + PAGE_SIZE;
    probe_area(less, 1, RW_U, spaces->anonymous);
    probe_area(more, 1, PROT_USER | PROT_READ, spaces->anonymous);
    touch(less, ACCESS_WRITE);
    touch(more, ACCESS_READ);
    page_table->protect(&space.table, less, PROT_USER | PROT_READ);
    page_table->protect(&space.table, more, RW_U);
    long error = space_fault->fault(&space, less, ACCESS_WRITE);
    PROBE_CHECK(
        error == -EFAULT || pte_prot(probe_leaf(&space.table, less)) & PROT_WRITE,
        "a write to a page that is there and forbids it: fault() returned %ld, and has changed "
        "nothing: it would be tried for ever",
        error);
    const unsigned odd[] = {PROT_NONE, PROT_READ | PROT_WRITE};
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        page_table->protect(&space.table, less, odd[i]);
        error = space_fault->fault(&space, less, ACCESS_WRITE);
        unsigned now = pte_prot(probe_leaf(&space.table, less));
        PROBE_CHECK(
            error == -EFAULT || (now & PROT_USER && now & PROT_WRITE),
            "a write to a page that is there, and is %s: fault() returned %ld, and the page is "
            "%s then",
            probe_prot(odd[i]), error, probe_prot(now));
    }
    error = space_fault->fault(&space, more, ACCESS_WRITE);
    PROBE_CHECK(error == -EFAULT, "a write in an area that is r--u: fault() returned %ld", error);
}

/* Where areas begin and end, and where nothing can be. */
void fault_edges(unsigned long argument)
{
    (void)argument;
    const uint64_t one = BASE + PAGE_SIZE, two = BASE + 3 * PAGE_SIZE, end = two + 2 * PAGE_SIZE;
    const uint64_t last = USER_END - PAGE_SIZE;
    const struct {
        uint64_t va;
        bool inside;
    } cases[] = {
        {0, false},
        {8, false},
        {BASE, false},
        {one - 1, false},
        {one + PAGE_SIZE - 1, true},
        {one, true},
        {one + PAGE_SIZE, false},
        {two - 1, false},
        {two, true},
        {end, false},
        {end - 1, true},
        {end + 5 * PAGE_SIZE, false},
        {last - 1, false},
        {USER_END - 1, true},
        {USER_END, false},
        {TRAMPOLINE, false},
        {TRAMPOLINE + PAGE_SIZE, false},
        {0x80200000, false},
        {(1UL << 39) + one, false},
        {(1UL << 63) + two, false},
        {~0xfffUL << 39 | one, false},
        {(1UL << 32) + one, false},
        {(1UL << 37) + two, false},
        {~0UL, false},
    };
    probe_answer();
    probe_new_space();
    probe_area(one, 1, RW_U, spaces->anonymous);
    probe_area(two, 2, RW_U, spaces->anonymous);
    probe_area(last, 1, RW_U, spaces->anonymous);
    probe_area(TRAMPOLINE, 1, PROT_READ | PROT_EXEC, spaces->linear);
    probe_area(USER_CONTEXT, 1, PROT_READ | PROT_WRITE, spaces->linear);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t va = cases[i].va;
        const enum access accesses[] = {ACCESS_READ, ACCESS_WRITE, ACCESS_EXECUTE};
        if (cases[i].inside) {
            touch(va, ACCESS_WRITE);
            continue;
        }
        for (int n = 0; n < 3; n++) {
            size_t leaves = probe_leaves(&space.table);
            probe_asked.grow = 0;
            long error = space_fault->fault(&space, va, accesses[n]);
            PROBE_CHECK(va < USER_END || probe_asked.grow == 0,
                        "0x%lx is not below USER_END, and stack_grow() was asked about it", va);
            PROBE_CHECK(
                error == -EFAULT && probe_leaves(&space.table) == leaves,
                "a %s at 0x%lx, which is nobody's: fault() returned %ld, and brought in %zu "
                "pages",
                access_name(accesses[n]), va, error, probe_leaves(&space.table) - leaves);
        }
    }
    /* The stack is asked about what lies in no area, and only there. */
    probe_asked = (struct probe_asked){.grow_result = -EFAULT};
    space_fault->fault(&space, one - 5, ACCESS_WRITE);
    PROBE_CHECK(probe_asked.grow == 1 && page_down(probe_asked.grow_at) == page_down(one - 5),
                "touched 0x%lx, in no area: stack_grow() was asked %u times, for 0x%lx", one - 5,
                probe_asked.grow, probe_asked.grow_at);
    probe_asked = (struct probe_asked){.grow_result = -ENOMEM};
    long error = space_fault->fault(&space, one - 5, ACCESS_WRITE);
    PROBE_CHECK(error == -ENOMEM, "stack_grow() says -ENOMEM, fault() %ld", error);
    /* It says that it has grown, and has not. */
    probe_asked = (struct probe_asked){.grow_result = 0};
    error = space_fault->fault(&space, one - 5, ACCESS_WRITE);
    PROBE_CHECK(
        error == -EFAULT && probe_asked.grow == 1,
        "stack_grow() says 0, but there is no area: fault() returned %ld, after asking %u times",
        error, probe_asked.grow);
}

/* Random areas and accesses, against a model of 256 pages. */
void fault_random(unsigned long argument)
{
    (void)argument;
    enum { PAGES = 256, LONGEST = 12 };
    static struct {
        unsigned prot;
        bool area, present;
    } model[PAGES];
    const enum access accesses[] = {ACCESS_READ, ACCESS_WRITE, ACCESS_EXECUTE};
    struct operation op;
    uint64_t came = 0;
    probe_answer();
    probe_new_space();
    while (probe_next(&op)) {
        if (op.number >= PROBE_OPERATIONS / 5)
            continue; /* each of these looks at a whole table */
        size_t page = op.random[0] % PAGES;
        uint64_t va = BASE + page * PAGE_SIZE;
        if (op.random[1] % 8 == 0) {
            struct area *area = area_find(&space.areas, va);
            if (area) {
                probe_say("unmap the area 0x%lx-0x%lx", area->start, area->end);
                for (uint64_t at = area->start; at < area->end; at += PAGE_SIZE) {
                    size_t n = (at - BASE) / PAGE_SIZE;
                    model[n].area = model[n].present = false;
                }
                spaces->unmap(&space, area);
                continue;
            }
            size_t length = 1 + op.random[2] % LONGEST, n = 0;
            unsigned prot = (op.random[2] >> 32) % 4 ? RW_U : op.random[2] >> 40 & 15;
            while (n < length && page + n < PAGES && !model[page + n].area)
                n++;
            probe_say("an area of %zu pages at 0x%lx, %s", n, va, probe_prot(prot));
            probe_area(va, n, prot, spaces->anonymous);
            while (n-- > 0) {
                model[page + n].area = true;
                model[page + n].prot = prot;
            }
            continue;
        }
        enum access access = accesses[op.random[1] / 8 % 3];
        va += op.random[2] % PAGE_SIZE;
        unsigned enough = access == ACCESS_READ ? PROT_READ | PROT_WRITE : (unsigned)access;
        bool may =
            model[page].area && (model[page].prot & PROT_USER) && (model[page].prot & enough);
        long error = space_fault->fault(&space, va, access);
        probe_say("a %s at 0x%lx: fault() returned %ld", access_name(access), va, error);
        PROBE_CHECK(error == (may ? 0 : -EFAULT),
                    "a %s at 0x%lx, where %s: fault() returned %ld, not %d", access_name(access),
                    va, !model[page].area ? "no area is" : probe_prot(model[page].prot), error,
                    may ? 0 : -EFAULT);
        bool new = may && !model[page].present;
        came += new;
        model[page].present |= new;
        uint64_t pte = probe_leaf(&space.table, va);
        PROBE_CHECK((pte != 0) == model[page].present, "then the page at 0x%lx is %s", va,
                    pte ? "there, and should not be" : "missing");
        PROBE_CHECK(!may || pte_prot(pte) & access, "then the page at 0x%lx forbids a %s", va,
                    access_name(access));
    }
    size_t present = 0;
    for (size_t i = 0; i < PAGES; i++)
        present += model[i].present;
    PROBE_CHECK(probe_leaves(&space.table) == present, "at the end %zu pages are there, not %zu",
                probe_leaves(&space.table), present);
    PROBE_CHECK(space.minor_faults >= came, "%lu pages came, minor_faults is %lu", came,
                space.minor_faults);
}

/* A backend whose pages cannot be read. */
static int broken_fill(struct space *of, const struct area *area, uint64_t va)
{
    (void)of, (void)area, (void)va;
    return -EIO;
}

/* One whose page lacks a frame at first, and then cannot be read. */
static int fickle_fill(struct space *of, const struct area *area, uint64_t va)
{
    static unsigned calls;
    (void)of, (void)area, (void)va;
    return calls++ % 2 == 0 ? -ENOMEM : -EIO;
}

static void broken_drop(struct space *of, const struct area *area, uint64_t start, uint64_t end)
{
    (void)of, (void)area, (void)start, (void)end;
}

/* Let a trap at va come, as from the program; returns the signal that it ends with, 0 when it goes on. */
static int trap(uint64_t va, uint64_t cause)
{
    struct task *task = &probe_process.task;
    task->dying = false;
    task->wait_status = 0;
    task->user.stval = va;
    task->user.sepc = 0x12344;
    trap_dispatch(task, cause);
    PROBE_CHECK(task->user.sepc == 0x12344,
                "a page fault has moved sepc: the instruction that failed is to be tried again");
    return task->dying ? task->wait_status & 0x7f : 0;
}

/* What becomes of the program. */
void fault_trap(unsigned long argument)
{
    (void)argument;
    static const struct backend broken = {
        .name = "broken", .fill = broken_fill, .drop = broken_drop};
    const uint64_t code = BASE + 10 * PAGE_SIZE, unread = BASE + 20 * PAGE_SIZE;
    const struct {
        uint64_t va, cause;
        int signal;
    } cases[] = {
        {BASE + 5, CAUSE_LOAD_PAGE, 0},
        {BASE + PAGE_SIZE + 8, CAUSE_STORE_PAGE, 0},
        {BASE + 2 * PAGE_SIZE, CAUSE_FETCH_PAGE, SIGSEGV},
        {code + 8, CAUSE_FETCH_PAGE, 0},
        {code + PAGE_SIZE, CAUSE_STORE_PAGE, SIGSEGV},
        {code + PAGE_SIZE, CAUSE_LOAD_PAGE, SIGSEGV},
        {0, CAUSE_STORE_PAGE, SIGSEGV},
        {USER_END + 8, CAUSE_LOAD_PAGE, SIGSEGV},
        {unread, CAUSE_LOAD_PAGE, SIGBUS},
        {unread + PAGE_SIZE, CAUSE_STORE_PAGE, SIGBUS},
    };
    probe_answer();
    probe_new_space();
    probe_area(BASE, 10, RW_U, spaces->anonymous);
    probe_area(code, 10, PROT_USER | PROT_EXEC, spaces->anonymous);
    probe_area(unread, 2, RW_U, &broken);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int signal = trap(cases[i].va, cases[i].cause);
        PROBE_CHECK(
            signal == cases[i].signal, "%s at 0x%lx: the program %s (%d), it should %s (%d)",
            trap_cause_name(cases[i].cause), cases[i].va, signal ? "ends by a signal" : "goes on",
            signal, cases[i].signal ? "end by one" : "go on", cases[i].signal);
        PROBE_CHECK(signal || probe_leaf(&space.table, cases[i].va),
                    "%s at 0x%lx: the program goes on without its page",
                    trap_cause_name(cases[i].cause), cases[i].va);
    }
    PROBE_CHECK(probe_asked.end == 0 && probe_asked.relieve == 0,
                "oom_kill() or reclaim_frames() was called, and no frame has been refused");
    long error = space_fault->fault(&space, unread, ACCESS_READ);
    PROBE_CHECK(error == -EFAULT, "a copy from a page that cannot be read: fault() returned %ld",
                error);

    /* No frame for the page: reclaim_frames() is asked once; what it says decides whether it is tried again. */
    static const struct backend fickle = {
        .name = "fickle", .fill = fickle_fill, .drop = broken_drop};
    probe_area(unread + 10 * PAGE_SIZE, 1, RW_U, &fickle);
    probe_asked.relieve_result = true;
    int last = trap(unread + 10 * PAGE_SIZE, CAUSE_LOAD_PAGE);
    PROBE_CHECK(
        last == SIGBUS && probe_asked.end == 0,
        "a page that cannot be read when it is tried again: the program ends with %d, not %d", last,
        SIGBUS);
    uint64_t va = BASE + 5 * PAGE_SIZE, faults = space.minor_faults;
    long frames_before = probe_frames;
    probe_asked = (struct probe_asked){.grow_result = -EFAULT};
    probe_refuse = 1, probe_refuse_rest = true;
    error = space_fault->fault(&space, va, ACCESS_WRITE);
    PROBE_CHECK(error == -ENOMEM && probe_asked.relieve == 1,
                "no frame, no relief: fault() returned %ld, after asking reclaim_frames() %u times",
                error, probe_asked.relieve);
    int signal = trap(va, CAUSE_STORE_PAGE);
    PROBE_CHECK(
        probe_asked.end == 1 && probe_asked.end_cause == CAUSE_STORE_PAGE && signal == SIGKILL,
        "no frame for what a program has touched: oom_kill() was called %u times", probe_asked.end);
    PROBE_CHECK(!probe_leaf(&space.table, va) && space.minor_faults == faults &&
                    probe_frames == frames_before,
                "a page that could not be had has left something behind");
    probe_asked = (struct probe_asked){.grow_result = -EFAULT, .relieve_result = true};
    error = space_fault->fault(&space, va, ACCESS_WRITE);
    PROBE_CHECK(
        error == -ENOMEM && probe_asked.relieve == 1,
        "reclaim_frames() says that it is worth trying again, and it is not: fault() returned %ld, "
        "after asking %u times",
        error, probe_asked.relieve);
    probe_refuse_rest = false;
    probe_refuse = 1;
    signal = trap(va, CAUSE_STORE_PAGE);
    PROBE_CHECK(signal == 0 && probe_leaf(&space.table, va),
                "no frame at first, but reclaim_frames() says that it is worth trying again: the "
                "program %s",
                signal ? "has ended" : "goes on without its page");
}
