/*
 * user_memory.c: how much system calls have copied through the slot user_memory (bootargs
 * probe=user-memory).  A call that reaches the program's memory by itself works in lab 1, and in no
 * later one.  With refuse=N the copy that would bring the sum to more than N bytes is refused, as later labs do it for
 * memory that looks like the program's and is not; that one alone.
 */
#include "user_memory.h"

#include <stdbool.h>

#include "errno.h"
#include "platform.h"

/* How many bytes; the second word: faults.c. */
extern uint64_t probe_result[2];
uint64_t probe_result[2];

static bool refusing;
static uint64_t most;

static const struct user_memory_ops *lower(void)
{
    return slot_below(user_memory, 8);
}

static long probe_user_memory(struct task *task, void *dst, uint64_t src, size_t size)
{
    if (refusing && probe_result[0] + size > most) {
        refusing = false;
        return -EFAULT;
    }
    long error = lower()->in(task, dst, src, size);
    if (!error)
        probe_result[0] += size;
    return error;
}

static long passed_out(struct task *task, uint64_t dst, const void *src, size_t size)
{
    return lower()->out(task, dst, src, size);
}

static long passed_string(struct task *task, char *dst, uint64_t src, size_t size)
{
    return lower()->string(task, dst, src, size);
}

static const struct user_memory_ops counted = {
    .in = probe_user_memory, .out = passed_out, .string = passed_string};
PROVIDE(user_memory, 8, counted);

static void read_options(void)
{
    char digits[12];
    refusing = platform_option("refuse", digits, sizeof(digits));
    if (refusing)
        for (const char *c = digits; *c; c++)
            most = most * 10 + (uint64_t)(*c - '0');
}
INITCALL(8, read_options);
