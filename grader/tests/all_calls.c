/*
 * all_calls: every system call there can be, with arguments that are seldom right.  Exits with 42; a kernel that panics
 * or ends the program does not get that far.
 */
#include <syscall.h>
#include <unistd.h>

enum { NUMBERS = 512, ARGUMENTS = 6, READY = 42 };

static char buffer[4096];

/* Calls that may end the program, or take the memory that it needs, rightly: not made with these arguments. */
static int is_harmful(long number, int pattern)
{
    enum { ADDRESSES = 3, SIZES = 5 }; /* the buffer as an address; and as a size, from 0 on */

    switch (number) {
    case SYS_exit:
    case SYS_exit_group:
    case SYS_nanosleep:       /* for as long as the buffer happens to say */
    case SYS_clock_nanosleep: /* likewise */
        return 1;
    case SYS_munmap:
    case SYS_mremap:
    case SYS_mprotect:
    case SYS_mmap:
    case SYS_madvise:
    case SYS_clone:
        return pattern == ADDRESSES || pattern == SIZES;
    default:
        return 0;
    }
}

static long call(long number, const long arguments[ARGUMENTS])
{
    register long a0 __asm__("a0") = arguments[0], a1 __asm__("a1") = arguments[1];
    register long a2 __asm__("a2") = arguments[2], a3 __asm__("a3") = arguments[3];
    register long a4 __asm__("a4") = arguments[4], a5 __asm__("a5") = arguments[5];
    register long a7 __asm__("a7") = number;

    __asm__ volatile("ecall"
                     : "+r"(a0)
                     : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7)
                     : "memory");
    return a0;
}

int main(void)
{
    const long address = (long)buffer;
    const long patterns[][ARGUMENTS] = {
        {0},
        {-1, -1, -1, -1, -1, -1},
        {1, 1, 1, 1, 1, 1},
        {address, address, address, address, address, address},
        {1L << 63, 1L << 63, 1L << 63, 1L << 63, 1L << 63, 1L << 63},
        {0, address, sizeof(buffer), 0, 0, 0},
        {-100, address, 0, 0, 0, 0},
        {0x80000000, 0x7fffffff, 0x80000000, 0x7fffffff, 0, 0},
        {address, 0, 0, 8, 0, 0},
    };

    for (unsigned long pattern = 0; pattern < sizeof(patterns) / sizeof(patterns[0]); pattern++) {
        for (long number = 0; number < NUMBERS; number++) {
            if (is_harmful(number, (int)pattern))
                continue;
            /* A child ends at once. */
            if (call(number, patterns[pattern]) == 0 && number == SYS_clone)
                _exit(0);
        }
        for (unsigned long i = 0; i < sizeof(buffer); i++)
            buffer[i] = 0;
    }
    return READY;
}
