#include <sched.h>
#include <syscall.h>

int sched_yield(void)
{
    return (int)syscall6(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}
