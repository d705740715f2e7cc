/*
 * kernel_selftest.c: the given kernel's own parts, tested inside the kernel.
 *
 * Linked by test_kernel.py in place of a batch loop (level 9).  Each check reports
 * "selftest: NAME: ok", or what went wrong.
 */
#include <stdbool.h>

#include "area.h"
#include "arguments.h"
#include "cpio.h"
#include "elf.h"
#include "errno.h"
#include "file.h"
#include "heap.h"
#include "job.h"
#include "kmalloc.h"
#include "list.h"
#include "loader.h"
#include "memory.h"
#include "page_table.h"
#include "panic.h"
#include "platform.h"
#include "print.h"
#include "runner.h"
#include "scheduler.h"
#include "space.h"
#include "string.h"
#include "task.h"
#include "timer.h"
#include "trap.h"
#include "wait.h"

#define CHECK(condition)                                              \
    do {                                                              \
        if (!(condition)) {                                           \
            report("selftest: %s: failed: %s", __func__, #condition); \
            return;                                                   \
        }                                                             \
    } while (0)
#define OK() report("selftest: %s: ok", __func__)

static bool formats(const char *expected, const char *format, ...)
{
    char buffer[80];
    va_list args;
    va_start(args, format);
    size_t length = vsnprintf(buffer, sizeof(buffer), format, args);
    va_end(args);
    return strcmp(buffer, expected) == 0 && length == strlen(expected);
}

static void print(void)
{
    CHECK(
        formats("-7 7 ff 0x10 c s %", "%d %u %x %p %c %s %%", -7, 7u, 255u, (void *)16, 'c', "s"));
    CHECK(formats("-9223372036854775808", "%ld", INT64_MIN));
    CHECK(formats("18446744073709551615 ffffffffffffffff", "%lu %lx", UINT64_MAX, UINT64_MAX));
    CHECK(formats("[   42][42   ][00042][-0042]", "[%5d][%-5d][%05d][%05d]", 42, 42, 42, -42));
    CHECK(formats("[  ab][ab  ]", "[%4s][%-4s]", "ab", "ab"));
    CHECK(formats("(null)", "%s", (char *)NULL));
    char small[4];
    CHECK(snprintf(small, sizeof(small), "%s", "abcdef") == 6 && strcmp(small, "abc") == 0);
    OK();
}

static void string(void)
{
    static char from[200], to[200];
    for (size_t i = 0; i < sizeof(from); i++)
        from[i] = (char)(i * 7 + 1);
    for (size_t a = 0; a < 9; a++)
        for (size_t b = 0; b < 9; b++)
            for (size_t size = 0; size < 80; size++) {
                memset(to, 0x55, sizeof(to));
                memcpy(to + a, from + b, size);
                CHECK(memcmp(to + a, from + b, size) == 0);
                CHECK(to[a + size] == 0x55 && (a == 0 || to[a - 1] == 0x55));
                memset(to + a, 0x11, size);
                CHECK(size == 0 || (to[a] == 0x11 && to[a + size - 1] == 0x11));
                CHECK(to[a + size] == 0x55);
            }
    memcpy(to, from, 100);
    memmove(to + 3, to, 50);
    CHECK(memcmp(to + 3, from, 50) == 0);
    memcpy(to, from, 100);
    memmove(to, to + 3, 50);
    CHECK(memcmp(to, from + 3, 50) == 0);
    CHECK(strcmp("a", "b") < 0 && strcmp("b", "a") > 0 && strcmp("", "") == 0);
    CHECK(strncmp("abc", "abd", 2) == 0 && strlen("four") == 4);
    CHECK(strchr("abc", 'z') == NULL && *strchr("abc", 'c') == 'c');
    OK();
}

/* 20,000 random allocations and frees; every byte of each is checked when it is freed. */
static void kmalloc_random(void)
{
    enum { SLOTS = 64 };
    static struct {
        uint8_t *bytes;
        size_t size;
    } held[SLOTS];
    size_t free_before = kmalloc_free_bytes();
    uint64_t state = 88172645463325252UL;
    for (int round = 0; round < 20000; round++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        size_t i = state % SLOTS;
        if (held[i].bytes) {
            for (size_t n = 0; n < held[i].size; n++)
                CHECK(held[i].bytes[n] == (uint8_t)i);
            kfree(held[i].bytes);
            held[i].bytes = NULL;
            continue;
        }
        held[i].size = state >> 32 & 511;
        held[i].bytes = kmalloc(held[i].size);
        CHECK(held[i].bytes && (uintptr_t)held[i].bytes % 16 == 0);
        for (size_t n = 0; n < held[i].size; n++)
            CHECK(held[i].bytes[n] == 0);
        memset(held[i].bytes, (int)i, held[i].size);
    }
    for (size_t i = 0; i < SLOTS; i++)
        kfree(held[i].bytes);
    void *all = kmalloc(KMALLOC_SIZE / 2);
    CHECK(all && kmalloc(KMALLOC_SIZE) == NULL);
    kfree(all);
    CHECK(kmalloc_free_bytes() == free_before);
    OK();
}

static void device_tree(void)
{
    CHECK(platform.memory_start == 0x80000000 && platform.memory_size == 128UL << 20);
    CHECK(platform.timebase == 10000000 && platform.initrd_end > platform.initrd_start);
    char value[8];
    CHECK(platform_option("word", value, sizeof(value)) && strcmp(value, "abcdefg") == 0);
    CHECK(!platform_option("wor", value, sizeof(value)) && value[0] == '\0');
    OK();
}

static void archive(void)
{
    struct cpio_file file;
    CHECK(cpio_find("/text", &file) && file.size == 5 && memcmp(file.data, "12345", 5) == 0);
    CHECK(!cpio_find("/tex", &file) && !cpio_find("/bin", &file) && !cpio_find("", &file));
    size_t count = 0;
    for (size_t at = 0; cpio_next(at, &file); at = file.next)
        count++;
    CHECK(count == 3); /* jobs, bin/hello, text */
    /* Every truncation of the archive ends the walk in order. */
    size_t size = platform.initrd_end - platform.initrd_start;
    for (size_t cut = 0; cut < size; cut += 61) {
        cpio_init((const void *)platform.initrd_start, cut);
        for (size_t at = 0; cpio_next(at, &file); at = file.next)
            CHECK((uintptr_t)file.data + file.size <= platform.initrd_start + cut);
    }
    cpio_init((const void *)platform.initrd_start, size);
    OK();
}

static void processes(void)
{
    size_t before = kmalloc_free_bytes();
    struct process *process = process_create("a name that is much longer than it may be");
    CHECK(process && strlen(process->name) == PROCESS_NAME - 1);
    struct task *task = &process->task;
    CHECK(file_get(task, 0) == &console_input && file_get(task, 2) == &console_output);
    CHECK(!file_get(task, 3) && !file_get(task, PROCESS_FILES) && !file_get(task, UINT64_MAX));
    CHECK(console_input.ops->write(&console_input, "x", 1) == -EBADF);
    task_exit(task, 0x100);
    task_exit(task, 0x200);
    CHECK(task->dying && task->wait_status == 0x100);
    CHECK(loader->load(process, "/none", (char *[]){NULL}, (char *[]){NULL}) == -ENOENT);
    CHECK(loader->load(process, "/text", (char *[]){NULL}, (char *[]){NULL}) == -ENOEXEC);
    static char long_word[5000];
    memset(long_word, 'x', sizeof(long_word) - 1);
    CHECK(loader->load(process, "/bin/hello", (char *[]){long_word, NULL}, (char *[]){NULL}) ==
          -E2BIG);
    CHECK(process->memory.start == process->memory.end);
    process_destroy(process);
    CHECK(kmalloc_free_bytes() == before);
    OK();
}

static struct wait_queue queue = WAIT_QUEUE_INIT(queue);

/* A timer interrupt, taken while idle: what a sleeper waits for. */
static bool on_timer(struct task *task, uint64_t cause)
{
    (void)task, (void)cause;
    timer_set(UINT64_MAX);
    wake_all(&queue);
    return true;
}
TRAP_HANDLER(CAUSE_TIMER, 9, on_timer);

static void waiting(void)
{
    CHECK(current_task == boot_task);
    uint64_t start = time_now();
    csr_set(sie, SIE_STIE);
    timer_set(start + 5000);
    long result = wait_on(&queue);
    uint64_t took = time_now() - start;
    csr_clear(sie, SIE_STIE);
    CHECK(result == 0 && took >= 5000 && took < 6000);
    CHECK(list_empty(&queue.tasks) && boot_task->state == TASK_RUNNABLE);
    boot_task->dying = true;
    CHECK(wait_on(&queue) == -EINTR && list_empty(&queue.tasks));
    boot_task->dying = false;
    OK();
}

/* Without a context switch and a scheduler of a lab: one task after the other, as calls. */
static void tasks(void)
{
    struct cpio_file file;
    if (!cpio_find("/bin/hello", &file) || file.size == 0)
        return;
    size_t before = kmalloc_free_bytes();
    CHECK(task_wait() == NULL);
    struct process *process[3];
    for (int i = 0; i < 3; i++) {
        process[i] = process_create("hello");
        CHECK(process[i]);
        CHECK(loader->load(process[i], "/bin/hello", (char *[]){"hello", NULL}, (char *[]){NULL}) ==
              0);
        CHECK(task_start(&process[i]->task) == 0);
    }
    CHECK(process[0]->memory.end == process[1]->memory.start);
    for (int i = 0; i < 3; i++) {
        struct task *task = task_wait();
        CHECK(task == &process[i]->task && task->state == TASK_FINISHED);
        CHECK(task->wait_status == 0 && task->ran > 0 && current_task == boot_task);
        process_destroy(process[i]);
    }
    CHECK(task_wait() == NULL && kmalloc_free_bytes() == before);
    OK();
}

/* Asked before on_timer's level would be; passes everything on. */
static int asked;
static bool curious(struct task *task, uint64_t cause)
{
    (void)task, (void)cause;
    asked++;
    return false;
}
TRAP_HANDLER(TRAP_ANY_FAULT, 8, curious);

static void handlers(void)
{
    struct process *process = process_create("faulty");
    CHECK(process);
    trap_dispatch(&process->task, CAUSE_BREAKPOINT); /* lab 1's handler takes it after ours */
    CHECK(asked == 1 && process->task.dying && process->task.wait_status == 5);
    process_destroy(process);
    CHECK(strcmp(trap_cause_name(CAUSE_TIMER), "timer interrupt") == 0);
    CHECK(strcmp(trap_cause_name(99), "unknown exception") == 0);
    CHECK(strcmp(register_name(2), "sp") == 0);
    OK();
}

/* The set of areas against a model: which area each of 200 pages belongs to. */
static void areas(void)
{
    enum { PAGES = 200, OPERATIONS = 4000 };
    static struct area *model[PAGES];
    struct file file = {.references = 1};
    struct area_set set;
    uint64_t state = 1;
    size_t before = kmalloc_free_bytes(), count = 0;
    area_set_init(&set);
    CHECK(area_find(&set, 0) == NULL && area_find_from(&set, 0) == NULL);
    for (int n = 0; n < OPERATIONS; n++) {
        state = state * 6364136223846793005UL + 1442695040888963407UL;
        size_t page = state >> 33 & 0xff, length = (state >> 41 & 7) + 1;
        if (page + length > PAGES)
            continue;
        uint64_t start = page * PAGE_SIZE, end = start + length * PAGE_SIZE;
        struct area *here = model[page];
        CHECK(area_find(&set, start) == here && area_find(&set, start + PAGE_SIZE - 1) == here);
        size_t next = page;
        while (next < PAGES && !model[next])
            next++;
        CHECK(area_find_from(&set, start) == (next < PAGES ? model[next] : NULL));
        if (!here) {
            struct area *area = kmalloc(sizeof(*area));
            CHECK(area);
            *area = (struct area){.start = start, .end = end, .file = &file};
            area->offset = start + 7;
            area->file_size = length * PAGE_SIZE - 100;
            int error = area_insert(&set, area);
            CHECK(error == (next < page + length ? -EEXIST : 0));
            if (error) {
                kfree(area);
                continue;
            }
            file.references++;
            count++;
            for (size_t i = page; i < page + length; i++)
                model[i] = area;
        } else if (start > here->start && state >> 60 < 12) {
            uint64_t bytes = here->file_size, cut = start - here->start;
            uint64_t offset = here->offset;
            struct area *rest = area_split(&set, here, start);
            CHECK(rest && here->end == start && rest->start == start);
            CHECK(here->file_size + rest->file_size == bytes && rest->offset == offset + cut);
            CHECK(here->file_size <= cut);
            count++;
            for (size_t i = page; i < PAGES && model[i] == here; i++)
                model[i] = rest;
        } else if (start == here->start && state >> 60 < 8) {
            size_t last = page + length; /* it gets so many pages */
            size_t free_to = (here->end - here->start) / PAGE_SIZE + page;
            while (free_to < PAGES && !model[free_to])
                free_to++;
            CHECK(area_resize(&set, here, start, end) == (last > free_to ? -EEXIST : 0));
            for (size_t i = page; last <= free_to && i < PAGES; i++)
                model[i] = i < last ? here : model[i] == here ? NULL : model[i];
            CHECK(last > free_to || (here->start == start && here->end == end));
        } else {
            area_remove(&set, here);
            for (size_t i = 0; i < PAGES; i++)
                model[i] = model[i] == here ? NULL : model[i];
            file.references--;
            kfree(here);
            count--;
        }
        CHECK(set.count == count && file.references == count + 1);
    }
    struct area *last = NULL;
    for (size_t i = 0; i < PAGES; i++)
        if (model[i] && model[i] != last) {
            CHECK(area_next(&set, last) == model[i]);
            last = model[i];
        }
    CHECK(area_next(&set, last) == NULL);
    while ((last = area_next(&set, NULL))) {
        area_remove(&set, last);
        kfree(last);
    }
    CHECK(set.root == NULL && set.count == 0 && kmalloc_free_bytes() == before);
    OK();
}

/* What stands on a new stack, as the System V ABI for RISC-V has it. */
static void stack_image(void)
{
    const uint64_t top = 0x7000;
    char *const argv[] = {"name", "argument", NULL}, *const envp[] = {"HOME=/", NULL};
    const struct auxiliary auxiliary[] = {{AT_PAGESZ, 4096}, {AT_NULL, 0}};
    const struct arguments arguments = {argv, envp, auxiliary};
    void *image;
    size_t size, before = kmalloc_free_bytes();
    CHECK(arguments_build(&arguments, top, &image, &size) == 0 && size % 16 == 0);
    const uint64_t *words = image;
    const char *strings = (const char *)image - (top - size); /* so addresses can be looked up */
    CHECK(words[0] == 2 && strcmp(strings + words[1], "name") == 0);
    CHECK(strcmp(strings + words[2], "argument") == 0 && words[3] == 0);
    CHECK(strcmp(strings + words[4], "HOME=/") == 0 && words[5] == 0);
    bool random = false, page_size = false;
    size_t n = 6;
    for (; words[n] != AT_NULL; n += 2) {
        page_size |= words[n] == AT_PAGESZ && words[n + 1] == 4096;
        random |= words[n] == AT_RANDOM && words[n + 1] + 16 <= top;
    }
    CHECK(random && page_size);
    kfree(image);
    static char longest[ARGUMENTS_MAX];
    memset(longest, 'x', sizeof(longest) - 1);
    char *const too_much[] = {longest, NULL};
    const struct arguments large = {too_much, envp, NULL};
    CHECK(arguments_build(&large, top, &image, &size) == -E2BIG);
    CHECK(kmalloc_free_bytes() == before);
    OK();
}

static void program_file(void)
{
    int error = 0;
    size_t before = kmalloc_free_bytes();
    struct elf elf;
    struct elf_segment segment;
    struct file *file = file_open("/text", &error);
    CHECK(file && elf_open(&elf, file) == -ENOEXEC);
    file_put(file);
    file_put(NULL);
    CHECK(file_open("/nosuch", &error) == NULL && error == -ENOENT);
    file = file_open("/bin/hello", &error);
    CHECK(file);
    if (elf_open(&elf, file) == 0) { /* one of the tests has an empty file there */
        int loaded = 0, kind;
        for (size_t i = 0; (kind = elf_segment(&elf, i, &segment)) >= 0; i++)
            loaded += kind;
        CHECK(kind == -ENOENT && loaded == 3);
        char bytes[4], past;
        CHECK(file->ops->read_at(file, bytes, 4, 0) == 4 && memcmp(bytes, "\177ELF", 4) == 0);
        CHECK(file->ops->read_at(file, &past, 1, 1UL << 40) == 0);
        CHECK(elf_get(&elf, UINT64_MAX - 3, bytes, 4) == -ENOEXEC);
    }
    file_put(file);
    CHECK(kmalloc_free_bytes() == before);
    OK();
}

struct number {
    struct heap_node node;
    uint32_t value;
    bool is_in;
};

static bool is_less(const struct heap_node *a, const struct heap_node *b)
{
    return ((const struct number *)a)->value < ((const struct number *)b)->value;
}

/* Numbers go in and come out at random: each time the least. */
static void heaps(void)
{
    enum { NUMBERS = 300, TURNS = 5000 };
    static struct number numbers[NUMBERS];
    struct heap heap = {.before = is_less};
    uint32_t state = 1, in = 0;
    CHECK(heap_take(&heap) == NULL);
    for (int turn = 0; turn < TURNS; turn++) {
        state = state * 1664525 + 1013904223;
        struct number *number = &numbers[state >> 16 & 0xff];
        if (!number->is_in && (state >> 28) < (turn % 1000 < 600 ? 11 : 5)) {
            number->value = state >> 8 & 0x3f;
            number->is_in = true;
            heap_insert(&heap, &number->node);
            in++;
            continue;
        }
        struct number *taken = (struct number *)heap_take(&heap);
        CHECK((taken == NULL) == (in == 0));
        for (int i = 0; taken && i < NUMBERS; i++)
            CHECK(!numbers[i].is_in || numbers[i].value >= taken->value);
        if (taken) {
            CHECK(taken->is_in);
            taken->is_in = false;
            in--;
        }
    }
    OK();
}

/* Tables made by hand: entries in the first and the last place of tables, large pages, tables that are missing. */
static void page_runs(void)
{
    static uint64_t root[512] __attribute__((aligned(4096))),
        middle[512] __attribute__((aligned(4096))), low[2][512] __attribute__((aligned(4096)));
    const struct page_table table = {.root = (uintptr_t)root};
    const uint64_t giga = 1UL << 30, mega = 1UL << 20;
    root[2] = (uintptr_t)middle / PAGE_SIZE << 10 | PTE_V;
    middle[0] = (uintptr_t)low[0] / PAGE_SIZE << 10 | PTE_V;
    middle[1] = (uintptr_t)low[1] / PAGE_SIZE << 10 | PTE_V;
    middle[7] = 0x80000 << 10 | PTE_V | PTE_R;
    low[0][0] = low[0][511] = low[1][0] = low[1][300] = PTE_V | PTE_R;
    low[1][301] = 5 << 10; /* there, and not to be used */
    struct page_run run = {.behind = giga};
    const uint64_t end = 2 * giga + 14 * mega + 3 * PAGE_SIZE;
    CHECK(page_run_next(&table, &run, end) && run.page == 2 * giga && run.first == low[0] &&
          run.last - run.first == 512);
    CHECK(page_run_next(&table, &run, end) && run.page == 2 * giga + 2 * mega &&
          run.first == low[1] && run.last - run.first == 512);
    CHECK(!page_run_next(&table, &run, end) && !page_run_next(&table, &run, end));
    run.behind = 2 * giga + 5 * PAGE_SIZE;
    CHECK(page_run_next(&table, &run, 2 * giga + 9 * PAGE_SIZE) && run.first == &low[0][5] &&
          run.last - run.first == 4);
    CHECK(!page_run_next(&table, &run, 2 * giga + 9 * PAGE_SIZE));
    run.behind = 2 * giga + 511 * PAGE_SIZE;
    CHECK(page_run_next(&table, &run, 2 * giga + 513 * PAGE_SIZE) && run.last - run.first == 1 &&
          run.first == &low[0][511]);
    CHECK(page_run_next(&table, &run, 2 * giga + 513 * PAGE_SIZE) && run.last - run.first == 1 &&
          run.first == low[1]);
    run.behind = 5 * giga;
    CHECK(!page_run_next(&table, &run, USER_END));
    const struct space space = {.table = table};
    const uint64_t pages[] = {0, 511, 512, 812, 813};
    uint64_t at = giga;
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++, at += PAGE_SIZE)
        CHECK((at = space_next_page(&space, at, 3 * giga)) == 2 * giga + pages[i] * PAGE_SIZE);
    CHECK(space_next_page(&space, at, 3 * giga) == 3 * giga);
    CHECK(page_table_entry(&table, 2 * giga + 301 * PAGE_SIZE) == &low[0][301]);
    CHECK(!page_table_entry(&table, giga) && !page_table_entry(&table, 2 * giga + 14 * mega));
    OK();
}

static void run_selftest(void)
{
    areas();
    stack_image();
    program_file();
    heaps();
    page_runs();
    print();
    string();
    kmalloc_random();
    device_tree();
    archive();
    processes();
    waiting();
    tasks();
    handlers();
    if (job_count() == 0)
        panic("asked for by the test");
}

static const struct runner_ops selftest = {.run = run_selftest};
PROVIDE(runner, 9, selftest);
