/* signals: how they end a process, and which it can do without. */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "say.h"

static void aborts(void)
{
    abort();
}

static void kills_itself(void)
{
    raise(SIGKILL);
}

static void ignores_a_signal(void)
{
    signal(SIGTERM, SIG_IGN);
    raise(SIGTERM);
    _exit(5);
}

/* What is ignored is so for abort(), too; but not the end. */
static void ignores_abort(void)
{
    signal(SIGABRT, SIG_IGN);
    abort();
}

static void writes_to_nobody(void)
{
    int ends[2];
    if (pipe(ends) == 0)
        close(ends[0]);
    _exit(write(ends[1], "x", 1) == 1 ? 0 : 1);
}

static void does_not_mind(void)
{
    signal(SIGPIPE, SIG_IGN);
    int ends[2];
    if (pipe(ends) == 0)
        close(ends[0]);
    ssize_t count = write(ends[1], "x", 1);
    _exit(count == -1 && errno == EPIPE ? 6 : 1);
}

static void waits_for_ever(void)
{
    int ends[2];
    char byte;
    if (pipe(ends) == 0)
        _exit(read(ends[0], &byte, 1) == 1 ? 0 : 1);
}

static void writes_nowhere(void)
{
    volatile int *nowhere = NULL;
    *nowhere = 1;
}

static void runs_nonsense(void)
{
    __asm__ volatile(".word 0");
}

static void sends_nothing(void)
{
    raise(SIGCHLD);
    raise(SIGCONT);
    _exit(kill(getpid(), 0) == 0 ? 8 : 1);
}

static const struct {
    const char *name;
    void (*function)(void);
    int signal; /* to be sent by the parent */
} cases[] = {
    {"abort", aborts, 0},
    {"SIGKILL by itself", kills_itself, 0},
    {"SIGTERM, ignored", ignores_a_signal, 0},
    {"abort, ignored", ignores_abort, 0},
    {"a pipe without reader", writes_to_nobody, 0},
    {"the same, SIGPIPE ignored", does_not_mind, 0},
    {"asleep, SIGTERM", waits_for_ever, SIGTERM},
    {"asleep, SIGKILL", waits_for_ever, SIGKILL},
    {"asleep, SIGUSR1", waits_for_ever, SIGUSR1},
    {"address 0", writes_nowhere, 0},
    {"no instruction", runs_nonsense, 0},
    {"harmless signals", sends_nothing, 0},
};

int main(void)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pid_t child = fork();
        if (child == 0) {
            cases[i].function();
            _exit(99);
        }
        int status = 0;
        if (cases[i].signal)
            kill(child, cases[i].signal);
        waitpid(child, &status, 0);
        if (WIFSIGNALED(status))
            printf("%s: %s\n", cases[i].name, sigabbrev_np(WTERMSIG(status)));
        else
            printf("%s: exit %d\n", cases[i].name, WEXITSTATUS(status));
    }
    struct sigaction action = {.sa_handler = SIG_IGN}, before;
    SAY(sigaction(SIGHUP, &action, &before));
    printf("as by default before: %d\n", before.sa_handler == SIG_DFL);
    SAY(sigaction(SIGHUP, NULL, &before));
    printf("ignored: %d\n", before.sa_handler == SIG_IGN);
    SAY(sigaction(SIGKILL, &action, NULL));
    SAY(sigaction(100, &action, NULL));
    SAY(kill(999999, SIGTERM));
    SAY(kill(getpid(), 100));
    SAY(syscall(SYS_tgkill, getpid(), getpid(), 0));
    SAY(syscall(SYS_tgkill, getpid(), 999999, 0));
    SAY(syscall(SYS_tgkill, 999999, getpid(), 0));
    SAY(syscall(SYS_tgkill, getpid(), getpid(), 100));
    SAY(syscall(SYS_tgkill, getpid(), 0, 0));
    SAY(syscall(SYS_tgkill, 0, getpid(), 0));
    SAY(syscall(SYS_tgkill, -1, -1, 0));
    raise(SIGHUP);
    puts("SIGHUP was ignored");
    sigset_t all, old;
    sigfillset(&all);
    SAY(sigprocmask(SIG_BLOCK, &all, &old));
    SAY(sigprocmask(SIG_SETMASK, &old, NULL));
    SAY(sigprocmask(77, &old, NULL));
    assert(!"the end");
}
