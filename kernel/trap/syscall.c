/* syscall.c: the table of system calls, filled from the linked list of them. */
#include "syscall.h"

#include "panic.h"

extern const struct syscall_entry syscalls_start[], syscalls_end[];

long (*syscall_table[SYSCALL_LIMIT])(struct task *task, const uint64_t args[6]);

void syscall_init(void)
{
    for (const struct syscall_entry *e = syscalls_start; e < syscalls_end; e++) {
        if (e->number >= SYSCALL_LIMIT)
            panic("system call %s has number %lu, the limit is %d", e->name, e->number,
                  SYSCALL_LIMIT);
        if (syscall_table[e->number])
            panic("system call number %lu is given twice, to %s too", e->number, e->name);
        syscall_table[e->number] = e->function;
    }
}
