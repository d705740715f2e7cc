#include <syscall.h>
#include <wait.h>

int wait4(int pid, int *status, int options, struct rusage *usage)
{
    return (int)syscall6(SYS_wait4, pid, (long)status, options, (long)usage, 0, 0);
}

int waitpid(int pid, int *status, int options)
{
    return wait4(pid, status, options, 0);
}

int wait(int *status)
{
    return wait4(-1, status, 0, 0);
}

int set_signal(int signal, int what)
{
    const unsigned long action[3] = {(unsigned long)what, 0, 0};
    return (int)syscall6(SYS_rt_sigaction, signal, (long)action, 0, sizeof(action[2]), 0, 0);
}

int kill(int pid, int signal)
{
    return (int)syscall6(SYS_kill, pid, signal, 0, 0, 0, 0);
}
