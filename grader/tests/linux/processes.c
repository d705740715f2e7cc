/* processes: children, how they end, pipes between them, and other programs in their place. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "say.h"

#define SELF "bin/processes"

/* How a child has ended, in words. */
static void tell(const char *who, pid_t child)
{
    int status = 0;
    pid_t found = waitpid(child, &status, 0);
    if (found != child)
        printf("%s: not found, %s\n", who, strerror(errno));
    else if (WIFSIGNALED(status))
        printf("%s: killed by %d, %s\n", who, WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        printf("%s: exited with %d\n", who, WEXITSTATUS(status));
}

static void endings(void)
{
    static const int codes[] = {0, 1, 42, 255, 256};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(codes[i]);
        tell("a child", child);
    }
    static const int signals[] = {SIGTERM, SIGKILL, SIGSEGV};
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        pid_t child = fork();
        if (child == 0) {
            raise(signals[i]);
            _exit(1);
        }
        tell("a child", child);
    }
    SAY(waitpid(-1, NULL, 0));
}

/* Four children send what they have worked out; the parent adds. */
static void pipes(void)
{
    int ends[2];
    if (pipe(ends) != 0)
        exit(1);
    for (int n = 0; n < 4; n++)
        if (fork() == 0) {
            long sum = 0;
            for (long i = n; i < 100000; i += 4)
                sum += i;
            _exit(write(ends[1], &sum, sizeof(sum)) == sizeof(sum) ? 0 : 1);
        }
    close(ends[1]);
    long sum = 0, part;
    int parts = 0;
    for (; read(ends[0], &part, sizeof(part)) == sizeof(part); parts++)
        sum += part;
    close(ends[0]);
    int good = 0, status;
    while (wait(&status) > 0)
        good += status == 0;
    printf("%d parts, sum %ld, %d children\n", parts, sum, good);
}

/* Far more than a pipe holds. */
static void much(void)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        exit(1);
    pid_t child = fork();
    if (child == 0) {
        FILE *out = fdopen(ends[1], "w");
        for (int i = 0; i < 20000; i++)
            fprintf(out, "line %d\n", i);
        _exit(fclose(out) == 0 ? 0 : 1);
    }
    close(ends[1]);
    FILE *in = fdopen(ends[0], "r");
    char line[32], last[32] = "";
    int lines = 0;
    for (; fgets(line, sizeof(line), in); lines++)
        strcpy(last, line);
    fclose(in);
    printf("%d lines, the last: %s", lines, last);
    tell("who wrote them", child);
}

static void waiting(void)
{
    int ends[2], status;
    char byte;
    if (pipe(ends) != 0)
        exit(1);
    pid_t child = fork();
    if (child == 0) {
        close(ends[1]);
        _exit(read(ends[0], &byte, 1) == 0 ? 9 : 1);
    }
    printf("not yet: %d\n", waitpid(child, &status, WNOHANG));
    close(ends[1]);
    tell("now", child);
    close(ends[0]);
    siginfo_t information = {0};
    child = fork();
    if (child == 0)
        _exit(3);
    int result = waitid(P_PID, (id_t)child, &information, WEXITED);
    printf("waitid: %d, the child: %d, code %d, with %d\n", result, information.si_pid == child,
           information.si_code, information.si_status);
    child = fork();
    if (child == 0)
        raise(SIGKILL);
    result = waitid(P_ALL, 0, &information, WEXITED);
    printf("waitid: %d, the child: %d, code %d, with %d\n", result, information.si_pid == child,
           information.si_code, information.si_status);
    SAY(waitid(P_ALL, 0, &information, WEXITED));
    SAY(waitid(P_ALL, 0, &information, 0));
    SAY(waitid(P_PID, 0, &information, WEXITED));
    SAY(waitid((idtype_t)77, 1, &information, WEXITED));
    child = fork();
    if (child == 0)
        _exit(4);
    result = waitid(P_PID, (id_t)child, NULL, WEXITED);
    printf("waitid without information: %d\n", result);
    if (pipe(ends) != 0)
        exit(1);
    child = fork();
    if (child == 0) {
        close(ends[1]);
        _exit(read(ends[0], &byte, 1) == 0 ? 2 : 1);
    }
    memset(&information, 0x55, sizeof(information));
    result = waitid(P_PID, (id_t)child, &information, WEXITED | WNOHANG);
    printf("waitid, not yet: %d, %d %d\n", result, information.si_pid, information.si_signo);
    close(ends[1]);
    close(ends[0]);
    tell("then", child);
}

static void other_programs(void)
{
    char *const words[] = {"processes", "echo", "one word", "", "three", NULL};
    char *const environment[] = {"A=1", "EMPTY=", NULL};
    pid_t child = fork();
    if (child == 0) {
        execve(SELF, words, environment);
        _exit(1);
    }
    tell("execve", child);
    SAY(execve("bin/none", words, environment));

    posix_spawn_file_actions_t actions;
    int ends[2];
    if (pipe(ends) != 0)
        exit(1);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    int error = posix_spawn(&child, SELF, &actions, NULL, words, environment);
    posix_spawn_file_actions_destroy(&actions);
    printf("posix_spawn: %d\n", error);
    close(ends[1]);
    FILE *in = fdopen(ends[0], "r");
    for (char line[100]; fgets(line, sizeof(line), in);)
        printf("> %s", line);
    fclose(in);
    tell("posix_spawn", child);
}

static void shell(void)
{
    printf("a shell: %d\n", system(NULL) != 0);
    int status = system("echo from the shell");
    printf("system: %d\n", status);
    status = system("exit 5");
    printf("system: %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", "--", "echo behind two hyphens", NULL);
        _exit(1);
    }
    tell("sh -c --", child);
    FILE *in = popen("echo one; echo two | cat", "r");
    for (char line[100]; fgets(line, sizeof(line), in);)
        printf("> %s", line);
    printf("pclose: %d\n", pclose(in));
    FILE *out = popen("cat", "w");
    fprintf(out, "through cat\n");
    printf("pclose: %d\n", pclose(out));
}

/* What a program says that has been started by another. */
static int echo(int argc, char *argv[])
{
    for (int i = 2; i < argc; i++)
        printf("argument '%s'\n", argv[i]);
    printf("A is %s, EMPTY is '%s', HOME is %s\n", getenv("A"), getenv("EMPTY"),
           getenv("HOME") ? "there" : "not there");
    return 23;
}

int main(int argc, char *argv[])
{
    if (argc > 1 && strcmp(argv[1], "echo") == 0)
        return echo(argc, argv);
    endings();
    pipes();
    much();
    waiting();
    other_programs();
    shell();
    pid_t child = fork();
    if (child == 0)
        execlp("echo", "echo", "found", "by", "its", "name", NULL);
    tell("execlp", child);
    return 0;
}
