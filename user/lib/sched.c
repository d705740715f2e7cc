#include <sched.h>
#include <syscall.h>

int sched_yield(void)
{
    return (int)syscall6(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

int set_priority(int priority)
{
    return (int)syscall6(SYS_set_priority, priority, 0, 0, 0, 0, 0);
}
