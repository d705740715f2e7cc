/*
 * mapping.c: a type of mapping that Linux has beside those of lab 5.  See mmap(2), MAP_SHARED_VALIDATE.
 */
#include "errno.h"
#include "file.h"
#include "mmap.h"
#include "slot.h"
#include "syscall.h"
#include "task.h"

enum {
    MAP_SHARED_VALIDATE = 3,
    /* The flags that Linux has always ignored where it did not know them: LEGACY_MAP_MASK (include/linux/mman.h). */
    MAP_LEGACY = 0x7c07f933,
};

/* Lab 5's system call. */
static long (*lower)(struct task *task, const uint64_t args[6]);

/* A shared mapping of a file that refuses flags which it does not know; of anything else it is no type. */
static long mmap_validated(struct task *task, const uint64_t args[6])
{
    uint32_t flags = (uint32_t)args[3];
    if ((flags & MAP_TYPE) != MAP_SHARED_VALIDATE || (flags & MAP_ANONYMOUS))
        return lower(task, args);
    if (!file_get(task, args[4]))
        return -EBADF;
    if (flags & ~(uint32_t)MAP_LEGACY)
        return -EOPNOTSUPP;
    const uint64_t shared[6] = {
        args[0], args[1], args[2], (flags & ~(uint32_t)MAP_TYPE) | MAP_SHARED, args[4], args[5]};
    return lower(task, shared);
}

/* Be asked before lab 5, where it is linked. */
static void more_types(void)
{
    lower = syscall_table[SYS_MMAP];
    if (lower)
        syscall_table[SYS_MMAP] = mmap_validated;
}
INITCALL(0, more_types);
