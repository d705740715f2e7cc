/* probe.c: what the probes have in common. */
#include "probe.h"

#include "cpio.h"
#include "errno.h"
#include "frame.h"
#include "kernel_stack.h"
#include "kmalloc.h"
#include "path.h"
#include "platform.h"
#include "riscv.h"
#include "runner.h"
#include "string.h"

static uint64_t seed;
static uint32_t current; /* the operation that runs */
static bool in_operation, chosen;

uint64_t probe_result[2], probe_next_mark;

enum { FIRST_MARK = 64, MARKS_APART = 1024 };

void probe_mark(void)
{
    probe_next_mark += probe_next_mark < MARKS_APART ? probe_next_mark : MARKS_APART;
    /* What a trap changes is put back: a program may be about to run, or its trap be handled. */
    uint64_t sepc = csr_read(sepc), scause = csr_read(scause), stval = csr_read(stval),
             sstatus = csr_read(sstatus);
    __asm__ volatile("la t0, 1f\n csrrw t0, stvec, t0\n ebreak\n"
                     " .balign 4\n 1: csrw stvec, t0" ::
                         : "t0", "memory");
    csr_write(sepc, sepc);
    csr_write(scause, scause);
    csr_write(stval, stval);
    csr_write(sstatus, sstatus);
}

void probe_fail(const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (in_operation)
        report("probe: failed: at operation %u: %s", current, text);
    else
        report("probe: failed: %s", text);
    power_off();
}

void probe_say(const char *format, ...)
{
    if (!chosen)
        return;
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    report("probe: operation %u: %s", current, text);
}

bool probe_next(struct operation *operation)
{
    static size_t next;
    static struct cpio_file keep;
    uint32_t number = (uint32_t)next;
    if (next == 0)
        chosen = cpio_find("/keep", &keep);
    in_operation = next < (chosen ? keep.size / sizeof(number) : PROBE_OPERATIONS);
    if (!in_operation)
        return false;
    if (chosen)
        memcpy(&number, (const char *)keep.data + next * sizeof(number), sizeof(number));
    next++;
    current = operation->number = number;
    uint64_t state = (seed ^ number) * 0x9e3779b97f4a7c15UL + 1;
    for (int i = 0; i < 3; i++) {
        state ^= state >> 30, state *= 0xbf58476d1ce4e5b9UL;
        state ^= state >> 27, state *= 0x94d049bb133111ebUL;
        operation->random[i] = state ^ state >> 31;
    }
    return true;
}

const char *probe_prot(unsigned prot)
{
    static char text[4][5];
    static unsigned turn;
    char *out = text[turn++ % 4];
    for (int i = 0; i < 4; i++)
        out[i] = prot >> i & 1 ? "rwxu"[i] : '-';
    return out;
}

/* The level between the parts and the allocator. */

long probe_frames, probe_frames_most, probe_in_use;
uint64_t probe_refuse, probe_refused;
bool probe_refuse_rest;

static const struct frames_ops *lower(void)
{
    return slot_below(frames, 8);
}

static void counted_init(const struct region regions[], size_t count)
{
    lower()->init(regions, count);
}

static uintptr_t give_frame(uintptr_t (*how)(void))
{
    if (probe_refuse == 1) {
        probe_refuse = probe_refuse_rest;
        probe_refused++;
        return 0;
    }
    probe_refuse -= probe_refuse > 0;
    uintptr_t frame = how();
    probe_frames += frame != 0;
    if (probe_frames > probe_frames_most)
        probe_frames_most = probe_frames;
    return frame;
}

static uintptr_t counted_alloc(void)
{
    return give_frame(lower()->alloc);
}

/* Whatever it was: nobody may rely on what such a frame holds. */
static uintptr_t counted_take(void)
{
    uintptr_t frame = give_frame(lower()->take ? lower()->take : lower()->alloc);
    return frame ? (uintptr_t)memset((void *)frame, 0xa5, PAGE_SIZE) : 0;
}

static void counted_get(uintptr_t frame)
{
    lower()->get(frame);
    probe_frames++;
}

static void counted_put(uintptr_t frame)
{
    lower()->put(frame);
    probe_frames--;
}

static const struct frames_ops counted = {
    .init = counted_init,
    .alloc = counted_alloc,
    .get = counted_get,
    .put = counted_put,
    .take = counted_take,
};
PROVIDE(frames, 8, counted);

/* Looking into page tables without the help of what is tested. */

static bool is_table(uintptr_t address)
{
    return address % PAGE_SIZE == 0 && address >= platform.memory_start &&
           address < platform.memory_start + platform.memory_size;
}

/* The table that a valid entry which is no leaf leads to. */
static const uint64_t *table_below(uint64_t pte)
{
    PROBE_CHECK(is_table(pte_frame(pte)), "the entry 0x%lx leads to no table in memory", pte);
    PROBE_CHECK(!(pte & (PTE_U | PTE_A | PTE_D)),
                "the entry 0x%lx leads to a table, but has U, A or D set, which is reserved", pte);
    return (const uint64_t *)pte_frame(pte);
}

uint64_t probe_leaf(const struct page_table *table, uint64_t va)
{
    PROBE_CHECK(is_table(table->root), "the root table is not in memory: 0x%lx", table->root);
    const uint64_t *entries = (const uint64_t *)table->root;
    for (int level = 2; level > 0; level--) {
        uint64_t pte = entries[va >> (12 + 9 * level) & 511];
        if (!(pte & PTE_V))
            return 0;
        PROBE_CHECK(!(pte & (PTE_R | PTE_W | PTE_X)),
                    "the entry 0x%lx at level %d for 0x%lx has R, W or X: a leaf, not a table", pte,
                    level, va);
        entries = table_below(pte);
    }
    return entries[va >> 12 & 511];
}

static size_t leaves_below(const uint64_t *entries, int level)
{
    size_t count = 0;
    for (int i = 0; i < 512; i++)
        if (level == 0)
            count += entries[i] != 0;
        else if (entries[i] & PTE_V)
            count += leaves_below(table_below(entries[i]), level - 1);
    return count;
}

size_t probe_leaves(const struct page_table *table)
{
    return leaves_below((const uint64_t *)table->root, 2);
}

static size_t tables_below(const uint64_t *entries, int level)
{
    size_t count = 1;
    for (int i = 0; level > 0 && i < 512; i++)
        if (entries[i] & PTE_V)
            count += tables_below(table_below(entries[i]), level - 1);
    return count;
}

size_t probe_tables(const struct page_table *table)
{
    return tables_below((const uint64_t *)table->root, 2);
}

size_t probe_count_frames(void)
{
    size_t pages = platform.memory_size / PAGE_SIZE, count = 0;
    uint32_t *indices = kmalloc(pages * sizeof(*indices));
    assert(indices);
    uintptr_t frame;
    while ((frame = frame_alloc())) {
        PROBE_CHECK(count < pages, "frame_alloc() gives more frames than there is memory");
        indices[count++] = (uint32_t)((frame - platform.memory_start) / PAGE_SIZE);
    }
    for (size_t i = count; i-- > 0;)
        frame_put(platform.memory_start + (uintptr_t)indices[i] * PAGE_SIZE);
    kfree(indices);
    return count;
}

/*
 * Both try one instruction, with traps led to the place behind it; a0 tells whether there was one.
 */
bool probe_load(uint64_t address, uint64_t *value)
{
    uint64_t loaded = 0, failed = 1;
    __asm__ volatile("la t0, 1f\n csrrw t0, stvec, t0\n ld %0, 0(%2)\n li %1, 0\n"
                     " .balign 4\n 1: csrw stvec, t0"
                     : "+&r"(loaded), "+&r"(failed)
                     : "r"(address)
                     : "t0", "memory");
    *value = loaded;
    return !failed;
}

bool probe_store(uint64_t address, uint64_t value)
{
    uint64_t failed = 1;
    __asm__ volatile("la t0, 1f\n csrrw t0, stvec, t0\n sd %2, 0(%1)\n li %0, 0\n"
                     " .balign 4\n 1: csrw stvec, t0"
                     : "+&r"(failed)
                     : "r"(address), "r"(value)
                     : "t0", "memory");
    return !failed;
}

__attribute__((noinline)) void probe_point(void)
{
    __asm__ volatile("" ::: "memory");
}

enum { STACKS = 64 };

/* The tables for kernel stacks, which stay when the stacks go. */
static void make_tables_of_stacks(void)
{
    uint64_t *stacks[STACKS];
    for (int i = 0; i < STACKS; i++)
        stacks[i] = kernel_stack_alloc();
    for (int i = 0; i < STACKS; i++)
        kernel_stack_free(stacks[i]);
}

void probe_deck(unsigned long argument)
{
    (void)argument;
    make_tables_of_stacks();
    size_t frames = probe_count_frames(), heap = kmalloc_free_bytes();
    const struct runner_ops *lower = slot_below(runner, 8);
    lower->run();
    file_systems_sync(); /* as kmain() does: for who looks at the disk afterwards */
    size_t left = probe_count_frames();
    PROBE_CHECK(left == frames, "before the programs ran %zu frames could be had, afterwards %zu",
                frames, left);
    PROBE_CHECK(kmalloc_free_bytes() == heap,
                "the programs have left %ld bytes of the kernel's memory in use",
                (long)heap - (long)kmalloc_free_bytes());
}

static unsigned long number_of(const char *text)
{
    unsigned long value = 0;
    for (; *text >= '0' && *text <= '9'; text++)
        value = value * 10 + (unsigned long)(*text - '0');
    return value;
}

/* What ran before may have written to the probes' variables: they begin as they were linked, zero. */
static void begin(void)
{
    extern char probe_bss_start[], probe_bss_end[];
    char text[24];
    long in_use = probe_frames;
    memset(probe_bss_start, 0, (size_t)(probe_bss_end - probe_bss_start));
    probe_in_use = in_use;
    probe_next_mark = FIRST_MARK;
    if (platform_option("seed", text, sizeof(text)))
        seed = number_of(text);
}

/* The probe has come to its end.  A function of its own, by which QEMU's log tells. */
static __attribute__((noinline)) _Noreturn void probe_came_to_its_end(void)
{
    probe_result[1] = 1;
    power_off();
}

/* The probe that bootargs ask for, if it is one of the early ones, or of the others. */
static void run_probe(bool early)
{
    char name[40] = "";
    platform_option("probe", name, sizeof(name));
    char *colon = strchr(name, ':');
    if (colon)
        *colon = '\0';
    for (const struct probe *probe = probe_list; probe->name; probe++) {
        if (strcmp(probe->name, name) != 0 || probe->early != early)
            continue;
        begin();
        probe->function(colon ? number_of(colon + 1) : 0);
        probe_came_to_its_end();
    }
}

static void run_early_probe(void)
{
    run_probe(true);
}
INITCALL(2, run_early_probe);

static void run_late_probe(void)
{
    run_probe(false);
    report("probe: failed: there is no such probe");
}

static const struct runner_ops prober = {.run = run_late_probe};
PROVIDE(runner, 8, prober);
