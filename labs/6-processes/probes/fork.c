/* fork.c: a child's memory, as it is when nobody has run yet. */
#include "errno.h"
#include "fork.h"
#include "frame.h"
#include "kmalloc.h"
#include "probes.h"
#include "string.h"
#include "user_context.h"

enum { SIGCHLD_FLAGS = 17 };

/* A large file, of which nobody touches a page: areas of it, one with pages of its own and one that shares them. */
static const struct file_ops no_operations = {.close = NULL};
static struct file large_file = {.ops = &no_operations, .references = 1};

static void map_large_file(struct process *process)
{
    struct area wanted = {.start = 0x50000000,
                          .end = 0x50000000 + (6UL << 30),
                          .prot = PROT_USER | PROT_READ,
                          .backend = spaces->anonymous,
                          .file = &large_file,
                          .offset = 5UL << 32,
                          .file_size = (5UL << 30) + 123};
    for (int i = 0; i < 2; i++) {
        PROBE_CHECK(slot_below(spaces, 4)->map(process->space, &wanted) == 0,
                    "an area cannot be mapped");
        wanted.start = wanted.end, wanted.end += 7UL << 30;
        wanted.backend = shared_file_backend(), wanted.shared = true;
        wanted.offset = 7UL << 33;
    }
}

/* Areas of all kinds, some of which have pages. */
static void furnish(struct process *process)
{
    uint64_t a = probe_map(process, 0, 5, RW, ANON);
    probe_fill(process, a);
    probe_fill(process, a + 3 * PAGE_SIZE);
    PROBE_CHECK(probe_stores(process, a, 1) == 0, "memory cannot be written");
    uint64_t hidden = probe_map(process, 0, 2, RW, ANON);
    probe_fill(process, hidden + PAGE_SIZE);
    probe_protect(process, hidden, 2, PROT_NONE);
    uint64_t shared = probe_map(process, 0, 3, RW, MAP_SHARED | MAP_ANONYMOUS);
    PROBE_CHECK(probe_stores(process, shared + PAGE_SIZE, 4) == 0,
                "shared memory cannot be written");
    uint64_t constant = probe_map(process, 0, 2, RW, ANON);
    PROBE_CHECK(probe_stores(process, constant, 5) == 0, "memory cannot be written");
    probe_protect(process, constant, 1, PROT_READ);
    probe_map(process, 0x40000000, 1000000, PROT_READ | PROT_EXEC, ANON);
    probe_map(process, 0, 4, PROT_READ, ANON | MAP_POPULATE);
    area_find(&process->space->areas, a)->populate = true;
    map_large_file(process);
    process->space->heap_start = 0x705000000;
    process->space->heap_end = 0x805000123;
}

/* Is the child's area what the parent's is? */
static void compare_areas(const struct area *mine, const struct area *its)
{
    PROBE_CHECK(mine->start == its->start && mine->end == its->end,
                "the parent has an area 0x%lx-0x%lx, the child 0x%lx-0x%lx", mine->start, mine->end,
                its->start, its->end);
    PROBE_CHECK(mine->prot == its->prot && mine->backend == its->backend &&
                    mine->file == its->file && mine->offset == its->offset &&
                    mine->file_size == its->file_size,
                "the area at 0x%lx has other permissions, another backend, or another file in the "
                "child",
                mine->start);
    PROBE_CHECK(mine->shared == its->shared && mine->modified == its->modified &&
                    mine->populate == its->populate,
                "of the area at 0x%lx the child's does not say what the parent's does: shared, "
                "modified, populate",
                mine->start);
}

static void compare_pages(const struct process *parent, const struct process *child,
                          const struct area *area)
{
    for (uint64_t va = area->start; va < area->end && va < area->start + 64 * PAGE_SIZE;
         va += PAGE_SIZE) {
        uint64_t mine = probe_entry(parent, va), its = probe_entry(child, va);
        PROBE_CHECK(!mine == !its, "the page at 0x%lx is %s, in the child %s", va,
                    mine ? "there" : "missing", its ? "there" : "missing");
        if (!mine)
            continue;
        PROBE_CHECK(
            memcmp((const void *)pte_frame(mine), (const void *)pte_frame(its), PAGE_SIZE) == 0,
            "the page at 0x%lx has another content in the child", va);
        unsigned same = pte_prot(mine) & ~(unsigned)PROT_WRITE;
        PROBE_CHECK((pte_prot(its) & ~(unsigned)PROT_WRITE) == same &&
                        (!(pte_prot(its) & PROT_WRITE) || (area->prot & PROT_WRITE)),
                    "the page at 0x%lx is %s, in the child %s", va, probe_prot(pte_prot(mine)),
                    probe_prot(pte_prot(its)));
    }
}

static unsigned references_to_files(const struct process *process)
{
    unsigned sum = 0;
    const struct area *area = NULL;
    while ((area = area_next(&process->space->areas, area)))
        sum += area->file ? area->file->references : 0;
    return sum;
}

/* As if there were no task 6.2. */
static bool copies_at_once;

STAND_IN(share_pages);
int __wrap_share_pages(struct space *parent, struct space *child, const struct area *area)
{
    return copies_at_once ? -ENOSYS : __real_share_pages(parent, child, area);
}

void fork_areas(unsigned long argument)
{
    probe_begin();
    copies_at_once = argument != 0;
    struct process *parent = probe_process("parent");
    furnish(parent);
    unsigned files = references_to_files(parent);
    struct process *child = probe_fork(parent);
    PROBE_CHECK(parent->space->areas.count == child->space->areas.count,
                "the parent has %zu areas, the child %zu", parent->space->areas.count,
                child->space->areas.count);
    const struct area *mine = NULL, *its = NULL;
    while ((mine = area_next(&parent->space->areas, mine))) {
        its = area_next(&child->space->areas, its);
        if (!(mine->prot & PROT_USER))
            continue;
        compare_areas(mine, its);
        if (!mine->shared)
            compare_pages(parent, child, mine);
    }
    PROBE_CHECK(references_to_files(parent) ==
                    files + 1 + 2 * 2, /* memory that is shared; a file, twice */
                "files that are mapped by two have %u references, with one they had %u",
                references_to_files(parent), files);
    PROBE_CHECK(child->space->heap_start == parent->space->heap_start &&
                    child->space->heap_end == parent->space->heap_end,
                "the child's heap ends at 0x%lx, its parent's at 0x%lx", child->space->heap_end,
                parent->space->heap_end);
    PROBE_CHECK(child->space->minor_faults == 0, "a child begins with %lu faults",
                child->space->minor_faults);
    probe_end(child, 0);
    PROBE_CHECK(probe_wait(parent, -1, 0, NULL) > 0, "a child cannot be waited for");
    probe_destroy(parent);
}

/* What the flags ask for besides, and what the child's registers are. */
void fork_arguments(unsigned long argument)
{
    (void)argument;
    probe_begin();
    struct process *parent = probe_process("parent");
    struct user_context *user = &parent->task.user;
    for (uint64_t n = 1; n < 32; n++)
        user->x[n] = 0x8111111111111111 * n;
    parent->task.called_at = 0x3400012344;
    user->sepc = 0x99990; /* whatever it is meanwhile */
    parent->priority = 44;
    uint64_t page = probe_map(parent, 0, 1, RW, ANON);
    static const struct {
        uint64_t flags, stack, tls;
        long result;
    } cases[] = {
        {SIGCHLD_FLAGS, 0, 0, 0},
        {0, 0, 0, 0},
        {SIGCHLD_FLAGS, 0x7000, 0, 0},
        {SIGCHLD_FLAGS, 0x2300000000, 0, 0},
        {SIGCHLD_FLAGS | 0x80000, 0, 0x2500005550, 0},
        {SIGCHLD_FLAGS | 0x100, 0, 0, -EINVAL}, /* CLONE_VM: a thread */
        {SIGCHLD_FLAGS | 0x10000, 0, 0, -EINVAL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        long frames = probe_frames;
        size_t heap = kmalloc_free_bytes();
        long pid = probe_call(parent, SYS_CLONE, cases[i].flags, cases[i].stack, page, cases[i].tls,
                              page, 0);
        PROBE_CHECK(cases[i].result ? pid == cases[i].result : pid > 0,
                    "clone(0x%lx, 0x%lx) returned %ld", cases[i].flags, cases[i].stack, pid);
        if (pid < 0) {
            PROBE_CHECK(probe_frames == frames && kmalloc_free_bytes() == heap,
                        "clone() with flags 0x%lx was refused, and has kept memory",
                        cases[i].flags);
            continue;
        }
        struct process *child = process_find((int)pid);
        PROBE_CHECK(child, "clone() returned %ld, and nobody has this pid", pid);
        const struct user_context *its = &child->task.user;
        PROBE_CHECK(its->x[X_A0] == 0, "a child's a0 is 0x%lx", its->x[X_A0]);
        PROBE_CHECK(its->sepc == parent->task.called_at + 4,
                    "a child goes on at 0x%lx, the ecall was made at 0x%lx", its->sepc,
                    parent->task.called_at);
        for (unsigned n = 1; n < 32; n++) {
            uint64_t wanted = n == X_SP && cases[i].stack               ? cases[i].stack
                              : n == X_TP && (cases[i].flags & 0x80000) ? cases[i].tls
                                                                        : user->x[n];
            PROBE_CHECK(n == X_A0 || its->x[n] == wanted,
                        "register x%u is 0x%lx in a child, not 0x%lx", n, its->x[n], wanted);
        }
        PROBE_CHECK(child->priority == 44, "a child's priority is %u, its parent's 44",
                    child->priority);
        PROBE_CHECK(child->family.parent == parent,
                    "a child's parent is not who has called clone()");
        probe_end(child, 0);
        PROBE_CHECK(probe_wait(parent, (int)pid, 0, NULL) == pid, "a child cannot be waited for");
    }
    probe_destroy(parent);
}

/* clone() with little of the kernel's memory: a little more each time, until it is enough. */
static void fork_without_kernel_memory(struct process *parent, size_t step)
{
    size_t heap = kmalloc_free_bytes(), bytes;
    long frames = probe_frames, pid = -ENOMEM;
    unsigned files = references_to_files(parent);
    probe_scarce_begin();
    for (bytes = 0; bytes < MEMORY_MOST && pid < 0; bytes += step) {
        probe_scarce_leave(bytes);
        pid = probe_call(parent, SYS_CLONE, SIGCHLD_FLAGS, 0, 0, 0, 0, 0);
        PROBE_CHECK(pid > 0 || pid == -ENOMEM,
                    "clone() with %zu bytes of kernel memory returned %ld", bytes, pid);
        PROBE_CHECK(pid > 0 || (probe_frames == frames && references_to_files(parent) == files &&
                                list_empty(&parent->family.children)),
                    "clone() with %zu bytes of kernel memory has kept %ld frames, %d references to "
                    "files, or a child",
                    bytes, probe_frames - frames, (int)(references_to_files(parent) - files));
    }
    probe_scarce_end();
    PROBE_CHECK(pid > 0, "clone() does not work with %d bytes of kernel memory", MEMORY_MOST);
    struct process *child = process_find((int)pid);
    PROBE_CHECK(
        child && child != parent && child->space->areas.count == parent->space->areas.count &&
            !child->directory == !parent->directory && child->task.stack,
        "clone() with %zu bytes of kernel memory has worked, and the child has %zu areas of "
        "%zu, or not its parent's directory",
        bytes - step, child->space->areas.count, parent->space->areas.count);
    probe_end(child, 0);
    PROBE_CHECK(probe_wait(parent, -1, 0, NULL) == pid, "a child cannot be waited for");
    PROBE_CHECK(kmalloc_free_bytes() == heap, "clone() without kernel memory has kept %ld bytes",
                (long)(heap - kmalloc_free_bytes()));
    report("probe: clone() takes less than %zu bytes of kernel memory", bytes);
}

/* clone() where each frame in turn, and memory of the kernel's, cannot be had. */
void fork_memory(unsigned long argument)
{
    probe_begin();
    copies_at_once = argument != 0;
    struct process *parent = probe_process("parent");
    furnish(parent);
    uint64_t points = 0;
    for (bool refused = true; refused;) {
        size_t heap = kmalloc_free_bytes();
        long frames = probe_frames;
        unsigned files = references_to_files(parent);
        probe_refused = 0;
        probe_refuse = ++points;
        long pid = probe_call(parent, SYS_CLONE, SIGCHLD_FLAGS, 0, 0, 0, 0, 0);
        probe_refuse = 0;
        refused = probe_refused > 0;
        PROBE_CHECK(refused ? pid == -ENOMEM : pid > 0, "clone() without frame %lu returned %ld",
                    points, pid);
        if (pid > 0) {
            probe_end(process_find((int)pid), 0);
            PROBE_CHECK(probe_wait(parent, -1, 0, NULL) == pid, "a child cannot be waited for");
        }
        PROBE_CHECK(probe_frames == frames, "clone() without frame %lu has kept %ld frames", points,
                    probe_frames - frames);
        PROBE_CHECK(kmalloc_free_bytes() == heap && references_to_files(parent) == files,
                    "clone() without frame %lu has kept kernel memory, or a reference to a file",
                    points);
        PROBE_CHECK(list_empty(&parent->family.children) && list_empty(&parent->family.ended),
                    "clone() without frame %lu has left a child", points);
        uint8_t value = 0;
        PROBE_CHECK(probe_loads(parent, MMAP_BASE, &value) == 0 && value == 1 &&
                        probe_stores(parent, MMAP_BASE, 1) == 0,
                    "clone() without frame %lu: the parent cannot use its memory any more", points);
    }
    report("probe: %lu allocations, each refused once", points - 1);
    fork_without_kernel_memory(parent, MEMORY_STEP);
    parent->directory = probe_long_directory();
    fork_without_kernel_memory(parent, 8 * MEMORY_STEP);
    probe_destroy(parent);
    PROBE_CHECK(probe_frames == 0, "in the end %ld frames have not come back", probe_frames);
}
