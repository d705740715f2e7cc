/* programs.c: processes that are given another program, or one of their own. */
#include "errno.h"
#include "kmalloc.h"
#include "path.h"
#include "probes.h"
#include "string.h"

enum { TEXT_FD = 6, SECRET_FD = 7 };
static struct process *caller;
static uint64_t
    area; /* of two pages of the caller's: a path in the first, vectors and strings in the second */
enum { ARGV = PAGE_SIZE + 2048, ENVP = ARGV + 8, STRINGS = PAGE_SIZE + 3072 }; /* behind area */

/* Put a path, and a vector of two strings behind it, into the caller's memory. */
static void put_arguments(const char *path)
{
    const uint64_t vector[3] = {area + STRINGS, area + STRINGS + 4, 0};
    for (size_t i = 0; i <= strlen(path); i++)
        PROBE_CHECK(probe_stores(caller, area + i, (uint8_t)path[i]) == 0,
                    "memory cannot be written");
    for (size_t i = 0; i < sizeof(vector); i++)
        PROBE_CHECK(probe_stores(caller, area + ARGV + i, ((const uint8_t *)vector)[i]) == 0,
                    "memory cannot be written");
    for (size_t i = 0; i < 8; i++)
        PROBE_CHECK(probe_stores(caller, area + STRINGS + i, (uint8_t) "one\0two"[i]) == 0,
                    "memory cannot be written");
}

static struct process *furnished(void)
{
    caller = probe_process("caller");
    area = probe_map(caller, 0, 2, RW, ANON);
    probe_map(caller, 0, 10, RW, ANON | MAP_POPULATE);
    int error;
    for (int fd = TEXT_FD; fd <= SECRET_FD; fd++) {
        caller->files[fd] = file_open("/text", &error);
        PROBE_CHECK(caller->files[fd], "the probe's file cannot be opened: %d", error);
    }
    caller->close_on_exec = 1u << SECRET_FD;
    caller->priority = 33;
    caller->ignored_signals = 4;
    caller->directory = probe_long_directory();
    return caller;
}

/* argv is "one", "two", and envp "two". */
static long execve_of(const char *path)
{
    put_arguments(path);
    return probe_call(caller, SYS_EXECVE, area, area + ARGV, area + ENVP, 0, 0, 0);
}

static long spawn_of(const char *path)
{
    put_arguments(path);
    return probe_call(caller, SYS_SPAWN, area, area + ARGV, area + ENVP, 0, 0, 0);
}

static uint64_t word_at(struct process *process, uint64_t va)
{
    uint64_t word = 0;
    for (unsigned i = 0; i < sizeof(word); i++)
        PROBE_CHECK(probe_loads(process, va + i, (uint8_t *)&word + i) == 0,
                    "a new program cannot read its stack at 0x%lx", va + i);
    return word;
}

/* Is what a new program finds at its sp what it was passed? */
static void check_passed(struct process *process, uint64_t sp)
{
    static const char *const wanted[] = {"one", "two", NULL, "two", NULL};
    PROBE_CHECK(word_at(process, sp) == 2, "a new program's argc is %lu, not 2",
                word_at(process, sp));
    for (unsigned i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        uint64_t at = word_at(process, sp + 8 + 8 * i);
        const char *name = i < 3 ? "argv" : "envp";
        PROBE_CHECK(!at == !wanted[i], "a new program's %s[%u] is 0x%lx", name, i % 3, at);
        uint8_t byte = 0;
        for (unsigned n = 0; wanted[i] && n < 4; n++)
            PROBE_CHECK(probe_loads(process, at + n, &byte) == 0 && byte == wanted[i][n],
                        "a new program's %s[%u] is not \"%s\"", name, i % 3, wanted[i]);
    }
}

/* All that a process had before execve() failed: compared by what was put there. */
static void check_unharmed(const char *when)
{
    uint8_t byte = 0;
    PROBE_CHECK(caller->space && probe_loads(caller, area, &byte) == 0 && byte == '/',
                "%s: the caller's memory is not as it was", when);
    PROBE_CHECK(caller->files[SECRET_FD] && strcmp(caller->name, "caller") == 0 &&
                    !caller->task.renewed,
                "%s: the caller is not what it was", when);
}

static void put(uint64_t at, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        PROBE_CHECK(probe_stores(caller, at + i, ((const uint8_t *)bytes)[i]) == 0,
                    "memory cannot be written");
}

/* execve() or spawn() of what is no address, or too long: refused, and nothing has changed. */
static void check_refused(unsigned number, const char *name)
{
    enum { NO_ADDRESS = 8, MANY = 200 };
    const uint64_t path = area, argv = area + ARGV, envp = area + ENVP;
    const uint64_t wrong = area + 3096, many = area + PAGE_SIZE, end = area + 12 * PAGE_SIZE;
    const uint64_t long_path = area + 4 * PAGE_SIZE;
    const uint64_t with_wrong[3] = {area + STRINGS, NO_ADDRESS, 0}, string = area + 3200;
    const struct {
        uint64_t path, argv, envp;
        long result;
        const char *what;
    } cases[] = {
        {NO_ADDRESS, argv, envp, -EFAULT, "a path that is no address"},
        {path, NO_ADDRESS, envp, -EFAULT, "an argv that is no address"},
        {path, argv, NO_ADDRESS, -EFAULT, "an envp that is no address"},
        {path, wrong, envp, -EFAULT, "an argv with a string that is no address"},
        {path, argv, wrong, -EFAULT, "an envp with a string that is no address"},
        {end - 4, argv, envp, -EFAULT, "a path that goes on where nothing is"},
        {UINT64_MAX, argv, envp, -EFAULT, "a path at the last address of all"},
        {long_path, argv, envp, -ENAMETOOLONG, "a path of PATH_MAX bytes without its end"},
        {path, many, envp, -E2BIG, "an argv of 200 strings of 20 bytes"},
        {path, argv, many, -E2BIG, "an envp of 200 strings of 20 bytes"},
    };
    static char letters[PATH_MAX + 1];
    memset(letters, 'x', PATH_MAX);
    letters[PATH_MAX] = '\0';
    put_arguments("/bin/exit");
    put(long_path, letters, sizeof(letters));
    put(string, letters + PATH_MAX - 20, 21);
    put(wrong, with_wrong, sizeof(with_wrong));
    put(end - 4, letters, 4);
    for (uint64_t i = 0; i < MANY; i++)
        put(many + 8 * i, &string, sizeof(string));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        long frames = probe_frames;
        size_t heap = kmalloc_free_bytes();
        long result =
            probe_call(caller, number, cases[i].path, cases[i].argv, cases[i].envp, 0, 0, 0);
        PROBE_CHECK(result == cases[i].result, "%s of %s returned %ld, not %ld (%s)", name,
                    cases[i].what, result, cases[i].result, errno_name(cases[i].result));
        check_unharmed(cases[i].what);
        PROBE_CHECK(probe_frames == frames && kmalloc_free_bytes() == heap &&
                        list_empty(&caller->family.children),
                    "%s of %s was refused, and has kept %ld frames, %ld bytes of kernel memory, or "
                    "a child",
                    name, cases[i].what, probe_frames - frames,
                    (long)(heap - kmalloc_free_bytes()));
    }
}

/*
 * execve() or spawn() with little of the kernel's memory, a little more each time: -ENOMEM, and nothing has changed,
 * until it is enough.  Returns what the call did then.
 */
static long with_little_memory(unsigned number, const char *name)
{
    enum { STEP = 2 * MEMORY_STEP };
    put_arguments("/bin/exit");
    long frames = probe_frames, result = -ENOMEM;
    probe_scarce_begin();
    for (size_t bytes = 0; bytes < MEMORY_MOST && result < 0; bytes += STEP) {
        probe_scarce_leave(bytes);
        result = probe_call(caller, number, area, area + ARGV, area + ENVP, 0, 0, 0);
        PROBE_CHECK(result >= 0 || result == -ENOMEM,
                    "%s with %zu bytes of kernel memory returned %ld", name, bytes, result);
        if (result < 0)
            check_unharmed("without kernel memory");
        PROBE_CHECK(result >= 0 || (probe_frames == frames && list_empty(&caller->family.children)),
                    "%s with %zu bytes of kernel memory has kept %ld frames, or a child", name,
                    bytes, probe_frames - frames);
    }
    probe_scarce_end();
    PROBE_CHECK(result >= 0, "%s does not work with %d bytes of kernel memory", name, MEMORY_MOST);
    struct process *process = result > 0 ? process_find((int)result) : caller;
    PROBE_CHECK(process && (result > 0) == (number == SYS_SPAWN),
                "%s with enough kernel memory returned %ld", name, result);
    check_passed(process, result > 0 ? process->task.user.x[X_SP] : process->task.renewed_sp);
    PROBE_CHECK(process->directory && process->directory[1] == 'd' && process->priority == 33 &&
                    process->files[TEXT_FD] && !process->files[SECRET_FD],
                "%s with just enough kernel memory: the process has not what it should have", name);
    return result;
}

/* A program's path of PATH_MAX - 1 bytes: several slashes are one, and names have at most 255 bytes. */
static const char *longest_path(void)
{
    static const char name[] = "bin/exit";
    static char path[PATH_MAX];
    memset(path, '/', PATH_MAX);
    memcpy(path + PATH_MAX - sizeof(name), name, sizeof(name));
    return path;
}

/* The caller has another program now: have a new one in its place. */
static void furnish_again(void)
{
    probe_destroy(caller);
    furnished();
}

void exec_programs(unsigned long argument)
{
    (void)argument;
    probe_begin();
    /* Once as a trial: it brings in what stays. */
    furnished();
    PROBE_CHECK(execve_of("/bin/exit") == 0, "execve() of a program returned an error");
    PROBE_CHECK(caller->task.renewed, "the new program does not begin: task_renew()");
    check_passed(caller, caller->task.renewed_sp);
    PROBE_CHECK(!area_find(&caller->space->areas, area), "the old program's memory is there still");
    PROBE_CHECK(!caller->files[SECRET_FD] && caller->files[TEXT_FD],
                "a file that was to be closed is open, or another is not");
    PROBE_CHECK(strcmp(caller->name, "exit") == 0, "the process is called %s", caller->name);
    PROBE_CHECK(caller->priority == 33 && caller->ignored_signals == 4,
                "a process has lost what it keeps: its priority, and which signals it ignores");
    probe_destroy(caller);

    size_t heap = kmalloc_free_bytes();
    PROBE_CHECK(probe_frames == 0,
                "a process has had two programs, and is gone: %ld frames are missing",
                probe_frames);
    static const struct {
        const char *path;
        long result;
    } wrong[] = {
        {"/bin/none", -ENOENT}, {"/text", -ENOEXEC}, {"/cut", -ENOEXEC}, {"/bin", -EACCES}};
    furnished();
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        put_arguments(wrong[i].path);
        long frames = probe_frames, result = execve_of(wrong[i].path);
        PROBE_CHECK(result == wrong[i].result, "execve(%s) returned %ld, not %ld", wrong[i].path,
                    result, wrong[i].result);
        check_unharmed(wrong[i].path);
        PROBE_CHECK(probe_frames == frames, "execve(%s) has kept %ld frames", wrong[i].path,
                    probe_frames - frames);
    }
    uint64_t points = 0;
    for (bool refused = true; refused;) {
        put_arguments("/bin/exit");
        long frames = probe_frames;
        probe_refused = 0;
        probe_refuse = ++points, probe_refuse_rest = true;
        long result = probe_call(caller, SYS_EXECVE, area, area + ARGV, 0, 0, 0, 0);
        probe_refuse = 0, probe_refuse_rest = false;
        refused = probe_refused > 0;
        PROBE_CHECK(refused || result == 0, "execve() with all frames, and no envp, returned %ld",
                    result);
        if (!refused)
            break;
        PROBE_CHECK(result == -ENOMEM, "execve() without frame %lu returned %ld", points, result);
        check_unharmed("execve() without a frame");
        PROBE_CHECK(probe_frames == frames, "execve() without frame %lu has kept %ld frames",
                    points, probe_frames - frames);
    }
    report("probe: %lu allocations, each refused once", points - 1);
    furnish_again();
    check_refused(SYS_EXECVE, "execve()");
    with_little_memory(SYS_EXECVE, "execve()");
    furnish_again();
    long result = execve_of(longest_path());
    PROBE_CHECK(result == 0, "execve() of a path of %d bytes returned %ld", PATH_MAX - 1, result);
    probe_destroy(caller);
    PROBE_CHECK(probe_frames == 0 && kmalloc_free_bytes() == heap,
                "in the end %ld frames and %ld bytes have not come back", probe_frames,
                (long)heap - (long)kmalloc_free_bytes());
}

void spawn_programs(unsigned long argument)
{
    (void)argument;
    probe_begin();
    furnished();
    long pid = spawn_of("/bin/exit");
    PROBE_CHECK(pid > 0, "spawn() of a program returned %ld", pid);
    struct process *child = process_find((int)pid);
    PROBE_CHECK(child && child->family.parent == caller,
                "who was spawned is not its parent's child");
    check_passed(child, child->task.user.x[X_SP]);
    PROBE_CHECK(child->files[TEXT_FD] == caller->files[TEXT_FD] && !child->files[SECRET_FD] &&
                    caller->files[SECRET_FD],
                "who was spawned has not the files that it should have");
    PROBE_CHECK(
        child->priority == 33 && child->ignored_signals == 4 && strcmp(child->name, "exit") == 0,
        "who was spawned has not its parent's priority, or ignores other signals, or is called %s",
        child->name);
    check_unharmed("spawn()");
    probe_end(process_find((int)pid), 0);
    PROBE_CHECK(probe_wait(caller, (int)pid, 0, NULL) == pid,
                "who was spawned cannot be waited for");

    static const struct {
        const char *path;
        long result;
    } wrong[] = {
        {"/bin/none", -ENOENT}, {"/text", -ENOEXEC}, {"/cut", -ENOEXEC}, {"/bin", -EACCES}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        put_arguments(wrong[i].path);
        long frames = probe_frames;
        size_t heap = kmalloc_free_bytes();
        long result = spawn_of(wrong[i].path);
        PROBE_CHECK(result == wrong[i].result, "spawn(%s) returned %ld, not %ld", wrong[i].path,
                    result, wrong[i].result);
        PROBE_CHECK(probe_frames == frames && kmalloc_free_bytes() == heap &&
                        list_empty(&caller->family.children),
                    "spawn(%s) was refused, and has kept frames, kernel memory, or a child",
                    wrong[i].path);
    }
    uint64_t points = 0;
    for (bool refused = true; refused;) {
        put_arguments("/bin/exit");
        long frames = probe_frames;
        size_t heap = kmalloc_free_bytes();
        probe_refused = 0;
        probe_refuse = ++points, probe_refuse_rest = true;
        pid = probe_call(caller, SYS_SPAWN, area, area + ARGV, 0, 0, 0, 0);
        probe_refuse = 0, probe_refuse_rest = false;
        refused = probe_refused > 0;
        PROBE_CHECK(refused ? pid == -ENOMEM : pid > 0, "spawn() without frame %lu returned %ld",
                    points, pid);
        if (pid > 0) {
            probe_end(process_find((int)pid), 0);
            PROBE_CHECK(probe_wait(caller, -1, 0, NULL) == pid,
                        "who was spawned cannot be waited for");
        }
        PROBE_CHECK(probe_frames == frames && kmalloc_free_bytes() == heap,
                    "spawn() without frame %lu has kept %ld frames and %ld bytes", points,
                    probe_frames - frames, (long)heap - (long)kmalloc_free_bytes());
    }
    report("probe: %lu allocations, each refused once", points - 1);
    check_refused(SYS_SPAWN, "spawn()");
    size_t heap = kmalloc_free_bytes();
    long frames = probe_frames;
    for (int round = 0; round < 2; round++) {
        pid = round == 0 ? with_little_memory(SYS_SPAWN, "spawn()") : spawn_of(longest_path());
        PROBE_CHECK(pid > 0, "spawn() of a path of %d bytes returned %ld", PATH_MAX - 1, pid);
        probe_end(process_find((int)pid), 0);
        PROBE_CHECK(probe_wait(caller, -1, 0, NULL) == pid, "who was spawned cannot be waited for");
    }
    PROBE_CHECK(probe_frames == frames && kmalloc_free_bytes() == heap,
                "spawn() has kept %ld frames and %ld bytes", probe_frames - frames,
                (long)(heap - kmalloc_free_bytes()));
    probe_destroy(caller);
}

/* set_priority(), and who has which priority. */
void stride_rules(unsigned long argument)
{
    (void)argument;
    probe_begin();
    struct process *process = probe_process("caller");
    static const struct {
        uint64_t priority;
        long result;
    } cases[] = {{2, 2}, {16, 16}, {PRIORITY_MAX, PRIORITY_MAX}, {5, 5}};
    static const uint64_t wrong[] = {0,
                                     1,
                                     (uint64_t)-1,
                                     (uint64_t)-16,
                                     PRIORITY_MAX + 1UL,
                                     1UL << 32,
                                     (1UL << 32) + 7,
                                     1UL << 63,
                                     1UL << 31,
                                     (1UL << 31) + 5,
                                     0xffffffff,
                                     (1UL << 63) + 5,
                                     0x500010000};
    PROBE_CHECK(process->priority == PRIORITY_INITIAL, "a process begins with priority %u",
                process->priority);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        long result = probe_call(process, SYS_SET_PRIORITY, cases[i].priority, 0, 0, 0, 0, 0);
        PROBE_CHECK(result == cases[i].result && process->priority == cases[i].priority,
                    "set_priority(%lu) returned %ld, and the priority is %u", cases[i].priority,
                    result, process->priority);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        long result = probe_call(process, SYS_SET_PRIORITY, wrong[i], 0, 0, 0, 0, 0);
        PROBE_CHECK(result == -EINVAL && process->priority == 5,
                    "set_priority(0x%lx) returned %ld, and the priority is %u", wrong[i], result,
                    process->priority);
    }
    probe_destroy(process);
}
