/* The template: a program that has been loaded, and forks for each request instead of starting anew.
 *
 *     launcher                    template: loaded, before main()
 *              -- request ------>   fork ----> machine: main(argc, argv, envp)
 *     grader   <-- status -------     |
 *              -- closed ------->     +------> SIGKILL
 *
 * LD_PRELOAD puts this object into the program; grader/launcher.py starts it so and sends the requests.  The object
 * wraps __libc_start_main(), so it gets control after the dynamic linker and all constructors.  Without the variable
 * SOCKET_VARIABLE the program starts as always.
 *
 * A template is fit to fork when it has one thread, and no descriptors but those that it was started with.  QEMU has a
 * constructor that creates a thread, and a fork handler that creates it again in a child.  So threads that constructors
 * ask for are counted, not created; a trial child then has to create as many by fork handlers.  A template that
 * is not fit ends, and the launcher starts the program itself.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOCKET_VARIABLE \
    "RUNG_TEMPLATE_SOCKET" /* number of the descriptor that requests come from */
#define PRELOAD_VARIABLE "LD_PRELOAD"
#define NOT_STARTED 127 /* exit status, as a shell's */

/* As in launcher.py. */
#define DESCRIPTORS_MAX 32
#define REQUEST_MAX (128 << 10)

#define MACHINES_MAX 64 /* at once; further requests wait */
#define NUMBERS_MAX 256 /* above every descriptor that a template or a new machine has */

typedef int main_function(int, char **, char **);
typedef int start_main_function(main_function *, int, char **, void (*)(void), void (*)(void),
                                void (*)(void), void *);
typedef int create_function(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

/* A request: this head, then the words of the command and the environment's variables, each ended by a zero byte.
 * With it come the machine's control socket, and the descriptors that are to be its 0, 1, 2, ... */
struct request {
    uint64_t memory;      /* bytes of address space */
    uint64_t file_size;   /* bytes */
    uint64_t cpu_seconds; /* of CPU time */
    uint32_t words;
    uint32_t variables;
    char strings[];
};

struct machine {
    pid_t pid;
    int control; /* the grader's end is closed: the machine is to be killed */
    bool killed;
};

static main_function *program_main;
static int requests = -1;
static bool counting;           /* threads are counted, not created */
static unsigned threads_wanted; /* by constructors */
static unsigned threads_made;   /* since the fork */
static struct machine machines[MACHINES_MAX];
static int machine_count;

/* Aligned for struct request; a machine's command line and environment stay in its copy. */
static _Alignas(struct request) char message[REQUEST_MAX];

/* The next definition of a function after the one in this object. */
static void *next_definition(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) {
        _exit(NOT_STARTED);
    }
    return found;
}

static int socket_given(void)
{
    const char *number = getenv(SOCKET_VARIABLE);
    return number ? atoi(number) : -1;
}

/* Called before anything else of the program: constructors of libraries run after that of a preloaded object only if
 * they do not need it, so pthread_create() does not rely on it. */
static bool is_template(void)
{
    static int known = -2;
    if (known == -2) {
        known = socket_given();
        counting = known >= 0;
    }
    return known >= 0;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *argument)
{
    static create_function *create;
    if (is_template() && counting) {
        threads_wanted++;
        memset(thread, 0, sizeof(*thread));
        return 0;
    }
    if (!create) {
        *(void **)&create = next_definition("pthread_create");
    }
    threads_made++;
    return create(thread, attributes, start, argument);
}

/* The number of entries of a directory of /proc/self, or 0. */
static unsigned entries(const char *path)
{
    unsigned count = 0;
    DIR *directory = opendir(path);
    if (!directory) {
        return 0;
    }
    for (struct dirent *each; (each = readdir(directory));) {
        count += each->d_name[0] != '.';
    }
    closedir(directory);
    return count;
}

static void look_at_class(void *class, void *opaque)
{
    (void)class;
    (void)opaque;
}

/* Have QEMU register its types and set up their classes, which main() does first of all, whatever its arguments are:
 * it lists all machines in order to find the one that is asked for (softmmu/vl.c, select_machine()).  What has been
 * done is not done again: module_call_init() (util/module.c) and type_initialize() (qom/object.c) look before.
 * Another program, or a QEMU without these functions, does all of it in main(). */
static void prepare_classes(void)
{
    enum { INIT_QOM = 3, INIT_TRACE = 4 }; /* of enum module_init_type, include/qemu/module.h */
    void (*init)(int);
    void (*for_each_class)(void (*)(void *, void *), const char *, bool, void *);
    *(void **)&init = dlsym(RTLD_DEFAULT, "module_call_init");
    *(void **)&for_each_class = dlsym(RTLD_DEFAULT, "object_class_foreach");
    if (init && for_each_class) {
        init(INIT_TRACE);
        init(INIT_QOM);
        for_each_class(look_at_class, "machine", false, NULL);
    }
}

/* May this process fork, and is a child what the program would be at its main()? */
static bool is_fit(void)
{
    int status;
    /* 0, 1, 2, the requests, and the directory itself while it is read. */
    if (entries("/proc/self/fd") != 5 || entries("/proc/self/task") != 1) {
        return false;
    }
    pid_t pid = fork();
    if (pid == 0) {
        bool same = threads_made == threads_wanted;
        _exit(same && entries("/proc/self/task") == 1 + threads_made ? 0 : 1);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* Lower a limit.  A hard limit that is lower already stays. */
static void lower(int kind, rlim_t soft, rlim_t hard)
{
    struct rlimit limit;
    if (getrlimit(kind, &limit) != 0) {
        _exit(NOT_STARTED);
    }
    limit.rlim_cur =
        soft < limit.rlim_max ? soft : limit.rlim_max; /* RLIM_INFINITY is the largest */
    limit.rlim_max = hard < limit.rlim_max ? hard : limit.rlim_max;
    if (setrlimit(kind, &limit) != 0) {
        _exit(NOT_STARTED);
    }
}

/* Point at `count` strings from `at` on; NULL after the last.  Returns where they end. */
static char *list_strings(char **list, uint32_t count, char *at)
{
    for (uint32_t i = 0; i < count; i++) {
        list[i] = at;
        at += strlen(at) + 1;
    }
    list[count] = NULL;
    return at;
}

/* Put the machine's command line where ps looks for it: [start, end) is the template's. */
static void show_command_line(char *start, char *end, char *const *words)
{
    memset(start, 0, (size_t)(end - start));
    for (; *words && strlen(*words) < (size_t)(end - start); words++) {
        size_t size = strlen(*words) + 1;
        memcpy(start, *words, size);
        start += size;
    }
}

/* In a child: be the machine that the request in `message` asks for.  Returns main()'s result. */
static int become(pid_t template, const int *given, int count, char *shown, char *shown_end)
{
    struct request *request = (struct request *)message;
    char **words = calloc(request->words + 1, sizeof(*words));
    char **variables = calloc(request->variables + 1, sizeof(*variables));
    int away[DESCRIPTORS_MAX];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != template || !words || !variables) {
        _exit(NOT_STARTED);
    }
    setsid(); /* a ^C of the terminal does not reach it */
    /* First out of the way of the numbers that they are to have. */
    for (int i = 0; i < count; i++) {
        away[i] = fcntl(given[i], F_DUPFD, DESCRIPTORS_MAX);
    }
    for (int i = 0; i < count; i++) {
        if (dup2(away[i], i) != i) {
            _exit(NOT_STARTED);
        }
    }
    for (int i = count; i < NUMBERS_MAX; i++) {
        close(i);
    }
    lower(RLIMIT_AS, request->memory, request->memory);
    lower(RLIMIT_FSIZE, request->file_size, request->file_size);
    lower(RLIMIT_CPU, request->cpu_seconds, request->cpu_seconds + 2);
    lower(RLIMIT_CORE, 0, 0);
    list_strings(variables, request->variables,
                 list_strings(words, request->words, request->strings));
    show_command_line(shown, shown_end, words);
    environ = variables;
    return program_main((int)request->words, words, variables);
}

/* Receive a request into `message`, and its descriptors.  Returns how many these are, or -1: nobody is there to ask,
 * or what came is no request. */
static int receive(int *descriptors)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int) * DESCRIPTORS_MAX)];
    } control;
    struct iovec data = {message, sizeof(message) - 1};
    struct msghdr head = {.msg_iov = &data,
                          .msg_iovlen = 1,
                          .msg_control = control.room,
                          .msg_controllen = sizeof(control.room)};
    const struct request *request = (const struct request *)message;
    ssize_t size = recvmsg(requests, &head, 0);
    struct cmsghdr *passed = CMSG_FIRSTHDR(&head);

    if (size < (ssize_t)sizeof(*request) || (head.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
        !passed || passed->cmsg_level != SOL_SOCKET || passed->cmsg_type != SCM_RIGHTS) {
        return -1;
    }
    uint64_t strings = 0;
    for (const char *at = request->strings; at < message + size; at++) {
        strings += *at == 0;
    }
    if (request->words == 0 || strings != (uint64_t)request->words + request->variables ||
        message[size - 1] != 0) {
        return -1;
    }
    int count = (int)((passed->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(descriptors, CMSG_DATA(passed), sizeof(int) * (size_t)count);
    return count;
}

/* Tell the grader how a machine has ended, and forget the machine. */
static void tell_end(struct machine *machine, int status)
{
    char text[16];
    int code = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
    int length = snprintf(text, sizeof(text), "%d", code);
    send(machine->control, text, (size_t)length, MSG_NOSIGNAL);
    close(machine->control);
    *machine = machines[--machine_count];
}

static void reap(void)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        for (int i = 0; i < machine_count; i++) {
            if (machines[i].pid == pid) {
                tell_end(&machines[i], status);
                break;
            }
        }
    }
}

/* Instead of main(): fork for each request until the launcher is gone.  Returns in children only. */
static int serve(int argc, char **argv, char **envp)
{
    char *shown = argv[0];
    char *shown_end = argv[argc - 1] + strlen(argv[argc - 1]) + 1;
    pid_t template = getpid();
    sigset_t child_ended, usual;
    (void)envp;

    counting = false;
    unsetenv(SOCKET_VARIABLE);
    unsetenv(PRELOAD_VARIABLE);
    prepare_classes();
    if (!is_fit()) {
        _exit(NOT_STARTED);
    }
    sigemptyset(&child_ended);
    sigaddset(&child_ended, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child_ended, &usual);
    int ended = signalfd(-1, &child_ended, SFD_NONBLOCK | SFD_CLOEXEC);
    if (ended < 0 || send(requests, "!", 1, MSG_NOSIGNAL) != 1) {
        _exit(NOT_STARTED);
    }
    for (;;) {
        struct pollfd heard[2 + MACHINES_MAX] = {{requests, POLLIN, 0}, {ended, POLLIN, 0}};
        int count = machine_count;
        for (int i = 0; i < count; i++) {
            /* A negative number is not listened to. */
            heard[2 + i].fd = machines[i].killed ? -1 : machines[i].control;
            heard[2 + i].events = POLLIN;
        }
        if (count == MACHINES_MAX) {
            heard[0].fd = -1;
        }
        poll(heard, (nfds_t)(2 + count), -1);
        for (int i = 0; i < count; i++) {
            if (heard[2 + i].revents) {
                kill(machines[i].pid, SIGKILL); /* not reaped yet, so the number is still its own */
                machines[i].killed = true;
            }
        }
        if (heard[1].revents) {
            struct signalfd_siginfo one;
            while (read(ended, &one, sizeof(one)) > 0) {
            }
            reap();
        }
        if (heard[0].revents) {
            int given[DESCRIPTORS_MAX];
            int received = receive(given);
            if (received < 1) {
                _exit(0); /* the machines die with it */
            }
            pid_t pid = fork();
            if (pid == 0) {
                sigprocmask(SIG_SETMASK, &usual, NULL);
                return become(template, given + 1, received - 1, shown, shown_end);
            }
            for (int i = 1; i < received; i++) {
                close(given[i]);
            }
            machines[machine_count++] = (struct machine){pid, given[0], false};
            if (pid < 0) {
                tell_end(&machines[machine_count - 1], NOT_STARTED << 8);
            }
        }
    }
}

/* What every program calls first; its constructors run in here, before main(). */
int __libc_start_main(main_function *program, int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void *stack_end)
{
    start_main_function *start;
    *(void **)&start = next_definition("__libc_start_main");
    if (is_template()) {
        requests = socket_given();
        program_main = program;
        program = serve;
    }
    return start(program, argc, argv, init, fini, rtld_fini, stack_end);
}
