/*
 * user_memory.h: slot user_memory, the only way from the kernel to a program's memory and back.
 *
 * A pointer or a length that comes from a program may be anything.  Every system call of every lab
 * goes through these three, and trusts nothing itself.  Lab 1: flat; lab 3: page by page.
 */
#ifndef USER_MEMORY_H
#define USER_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "slot.h"

struct task;

struct user_memory_ops {
    /*
     * Copy size bytes from address src of the task's memory to dst in the kernel.
     * Returns 0, or -EFAULT when any of [src, src + size) is not the program's to read; from lab 3
     * on, where a page is missing, what space_fault says of it (space.h).
     */
    long (*in)(struct task *task, void *dst, uint64_t src, size_t size);

    /*
     * Copy size bytes from src in the kernel to address dst of the task's memory.
     * Returns 0, or -EFAULT when any of [dst, dst + size) is not the program's to write; or as above.
     */
    long (*out)(struct task *task, uint64_t dst, const void *src, size_t size);

    /*
     * Copy a NUL-terminated string from address src of the task's memory to dst, which has room for
     * size bytes.  Returns its length without the NUL, -EFAULT, or as above, or -ENAMETOOLONG when
     * there is no NUL within size bytes.
     */
    long (*string)(struct task *task, char *dst, uint64_t src, size_t size);
};
DECLARE_SLOT(user_memory);

#endif
