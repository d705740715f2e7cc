/* groups: process groups and sessions, and whom kill() and waitpid() mean by them. */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "say.h"

static void tell(const char *what, int status)
{
    if (WIFSIGNALED(status))
        printf("%s: signal %d\n", what, WTERMSIG(status));
    else
        printf("%s: exit %d\n", what, WEXITSTATUS(status));
    fflush(stdout);
}

static void wait_for(const char *what, pid_t child)
{
    int status = 0;
    if (waitpid(child, &status, 0) == child)
        tell(what, status);
}

/* A child of a group of its own, or of another's; it waits for a signal. */
static pid_t sleeper(pid_t group)
{
    pid_t child = fork();
    if (child == 0) {
        int ends[2];
        char byte;
        if (pipe(ends) == 0)
            _exit(read(ends[0], &byte, 1) == 1 ? 0 : 1);
    }
    if (group >= 0)
        setpgid(child, group);
    return child;
}

static void kills_its_group(void)
{
    SAY(setpgid(0, 0));
    printf("a group of its own: %d\n", getpgid(0) == getpid() && getpgrp() == getpid());
    fflush(stdout);
    kill(0, SIGTERM);
}

static void begins_a_session(void)
{
    printf("session: %d\n", setsid() == getpid());
    printf("its own: %d %d\n", getsid(0) == getpid(), getpgid(0) == getpid());
    SAY(setsid());
    SAY(setpgid(0, 0));
    SAY(setpgid(getpid(), getppid()));
    fflush(stdout);
    _exit(3);
}

int main(void)
{
    pid_t child = fork();
    if (child == 0)
        kills_its_group();
    wait_for("kill(0)", child);
    child = fork();
    if (child == 0)
        begins_a_session();
    wait_for("setsid", child);

    printf("as its parent: %d\n", getpgid(child = sleeper(-1)) == getpgid(0));
    SAY(setpgid(child, child));
    printf("its own: %d\n", getpgid(child) == child);
    pid_t second = sleeper(child), third = sleeper(0);
    printf("the other's: %d\n", getpgid(second) == child);
    SAY(kill(-child, 0));
    SAY(waitpid(-child, NULL, WNOHANG));
    SAY(waitpid(0, NULL, WNOHANG));
    SAY(kill(-child, SIGUSR1));
    int status = 0;
    for (int n = 0; n < 2; n++) {
        pid_t ended = waitpid(-child, &status, 0);
        printf("of the group: %d\n", ended == child || ended == second);
        tell("kill(-group)", status);
    }
    SAY(waitpid(-child, NULL, WNOHANG));
    SAY(kill(-child, SIGUSR1));
    siginfo_t information;
    SAY(waitid(P_PGID, (id_t)child, &information, WEXITED | WNOHANG));
    SAY(waitid(P_PGID, (id_t)third, &information, WEXITED | WNOHANG));
    SAY(kill(third, SIGKILL));
    wait_for("kill(pid)", third);

    SAY(kill(INT_MIN, SIGTERM));
    SAY(kill(-INT_MAX, SIGTERM));
    SAY(setpgid(0, -1));
    SAY(setpgid(-1, 0));
    SAY(setpgid(INT_MAX, 0));
    SAY(setpgid(getppid(), 0));
    SAY(getpgid(-1));
    SAY(getpgid(INT_MAX));
    SAY(getsid(INT_MAX));
    SAY(waitpid(INT_MIN, NULL, 0));
    SAY(waitpid(INT_MIN, NULL, 64));
    SAY(waitpid(-1, NULL, 0));
    SAY(waitpid(-1, NULL, 0x20000000));
    SAY(waitpid(-1, NULL, 0x40000000));
    SAY(waitpid(-1, NULL, 16));
    SAY(waitpid(-1, NULL, (int)0xffffffff));
    puts("the parent goes on");
    return 0;
}
