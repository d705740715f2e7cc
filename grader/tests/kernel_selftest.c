/*
 * kernel_selftest.c: the given kernel's own parts, tested inside the kernel.
 *
 * Linked by test_kernel.py in place of a batch loop (level 9).  Each check reports
 * "selftest: NAME: ok", or what went wrong.
 */
#include <stdbool.h>

#include "cpio.h"
#include "errno.h"
#include "file.h"
#include "job.h"
#include "kmalloc.h"
#include "list.h"
#include "loader.h"
#include "memory.h"
#include "panic.h"
#include "platform.h"
#include "print.h"
#include "runner.h"
#include "scheduler.h"
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

/* Without a switcher and a scheduler of a lab: one task after the other, as calls. */
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

static void run_selftest(void)
{
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
