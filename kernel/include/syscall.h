/*
 * syscall.h: the table of system calls.
 *
 * Numbers are Linux's for riscv64 (include/uapi/asm-generic/unistd.h), so that our programs run on
 * Linux unchanged.  Rung's own are 400 (spawn), 401 (set_priority) and 410 (trace), in later labs.
 */
#ifndef SYSCALL_H
#define SYSCALL_H

#include <stdint.h>

struct task;

enum {
    SYS_GETCWD = 17,
    SYS_DUP = 23,
    SYS_DUP3 = 24,
    SYS_FCNTL = 25,
    SYS_IOCTL = 29,
    SYS_MKDIRAT = 34,
    SYS_UNLINKAT = 35,
    SYS_TRUNCATE = 45,
    SYS_FTRUNCATE = 46,
    SYS_FACCESSAT = 48,
    SYS_CHDIR = 49,
    SYS_OPENAT = 56,
    SYS_CLOSE = 57,
    SYS_PIPE2 = 59,
    SYS_GETDENTS64 = 61,
    SYS_LSEEK = 62,
    SYS_READ = 63,
    SYS_WRITE = 64,
    SYS_READV = 65,
    SYS_WRITEV = 66,
    SYS_PREAD64 = 67,
    SYS_PWRITE64 = 68,
    SYS_READLINKAT = 78,
    SYS_NEWFSTATAT = 79,
    SYS_FSTAT = 80,
    SYS_SYNC = 81,
    SYS_FSYNC = 82,
    SYS_FDATASYNC = 83,
    SYS_EXIT = 93,
    SYS_EXIT_GROUP = 94,
    SYS_WAITID = 95,
    SYS_SET_TID_ADDRESS = 96,
    SYS_SET_ROBUST_LIST = 99,
    SYS_NANOSLEEP = 101,
    SYS_CLOCK_GETTIME = 113,
    SYS_CLOCK_GETRES = 114,
    SYS_CLOCK_NANOSLEEP = 115,
    SYS_SCHED_YIELD = 124,
    SYS_KILL = 129,
    SYS_TGKILL = 131,
    SYS_RT_SIGACTION = 134,
    SYS_RT_SIGPROCMASK = 135,
    SYS_TIMES = 153,
    SYS_SETPGID = 154,
    SYS_GETPGID = 155,
    SYS_GETSID = 156,
    SYS_SETSID = 157,
    SYS_UNAME = 160,
    SYS_GETRUSAGE = 165,
    SYS_GETTIMEOFDAY = 169,
    SYS_SETTIMEOFDAY = 170,
    SYS_GETPID = 172,
    SYS_GETPPID = 173,
    SYS_GETUID = 174,
    SYS_GETEUID = 175,
    SYS_GETGID = 176,
    SYS_GETEGID = 177,
    SYS_GETTID = 178,
    SYS_BRK = 214,
    SYS_MUNMAP = 215,
    SYS_MREMAP = 216,
    SYS_CLONE = 220,
    SYS_EXECVE = 221,
    SYS_MMAP = 222,
    SYS_MPROTECT = 226,
    SYS_MSYNC = 227,
    SYS_MINCORE = 232,
    SYS_MADVISE = 233,
    SYS_WAIT4 = 260,
    SYS_PRLIMIT64 = 261,
    SYS_GETRANDOM = 278,
    SYS_SPAWN = 400,
    SYS_SET_PRIORITY = 401,
    SYS_TRACE = 410,
    SYSCALL_LIMIT = 512, /* every number is below this */
};

/*
 * A system call: args are a0 to a5 as the program set them, 64 bits each.  Returns the result, or
 * a negative errno (errno.h) for the program to see in its a0.
 */
struct syscall_entry {
    uint64_t number;
    long (*function)(struct task *task, const uint64_t args[6]);
    const char *name;
};

/*
 * Put a function into the table at a number.  number: a literal or one of the enum above; two
 * functions for one number are a link error that names it ("multiple definition of
 * `syscall_SYS_WRITE'").
 */
#define SYSCALL(number_, function_)                             \
    extern const char syscall_##number_;                        \
    const char syscall_##number_ = 0;                           \
    static const struct syscall_entry syscall_entry_##function_ \
        __attribute__((used, section(".syscalls"))) = {number_, function_, #function_}

/* The functions by number; NULL where no linked part provides one.  Index it below SYSCALL_LIMIT. */
extern long (*syscall_table[SYSCALL_LIMIT])(struct task *task, const uint64_t args[6]);

/* Fill syscall_table.  Called once at boot. */
void syscall_init(void);

#endif
