/* What becomes of children: POSIX's sys/wait.h and signal.h, without errno: errors are returned. */
#ifndef USER_WAIT_H
#define USER_WAIT_H

#include <resource.h>

#define WNOHANG 1

#define WIFEXITED(status) (((status)&0x7f) == 0)
#define WEXITSTATUS(status) ((status) >> 8 & 0xff)
#define WTERMSIG(status) ((status)&0x7f)

/*
 * Waits for a child, or any if pid is -1, to end. Returns its pid, 0 with WNOHANG if it has not, or a negative
 * error. status and usage: where what is known of it goes; either may be NULL.
 */
int wait4(int pid, int *status, int options, struct rusage *usage);
int waitpid(int pid, int *status, int options);
int wait(int *status);

#define SIGINT 2
#define SIGKILL 9
#define SIGPIPE 13
#define SIGTERM 15

int kill(int pid, int signal);

/* Lets a signal do nothing from now on, to this program and those it starts; or what it does by default. */
enum { SIGNAL_DEFAULT = 0, SIGNAL_IGNORED = 1 };
int set_signal(int signal, int what);

#endif
