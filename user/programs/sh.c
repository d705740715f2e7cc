/*
 * sh [-c LINE | FILE]: a shell: reads lines, and runs the programs that they name. Exits with what the last one
 * exited with. Linux: yes.
 *
 *     line:      list [; list]...    list [& list]...
 *     list:      pipeline [&& pipeline]...    pipeline [|| pipeline]...
 *     pipeline:  command [| command]...
 *     command:   words and redirections: < FILE, > FILE, >> FILE, 2> FILE
 *
 * 'quoted', "quoted", \c; $? is the last exit status, $$ the shell's pid; # and what follows is not read. Programs
 * are looked for in /bin and /disk/sbin. The shell's own: cd [DIRECTORY], exit [STATUS], wait.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wait.h>

enum {
    LINE_MAX = 4096,
    WORDS_MAX = 256,
    STATUS_NOT_FOUND = 127,
    STATUS_SYNTAX = 2,
    STATUS_SIGNAL = 128
};

enum kind { WORD, PIPE, AND, OR, BACKGROUND, SEMICOLON, INPUT, OUTPUT, APPEND, ERRORS, END };

struct token {
    enum kind kind;
    char *text; /* of a word */
};

/* In the text of a word: what the last exit status, or the shell's pid, is when the command runs. */
enum { STATUS_MARK = 1, PID_MARK = 2 };

static struct token tokens[WORDS_MAX + 1];
static char texts[2 * LINE_MAX], expanded[2 * LINE_MAX];
static int last_status;
static bool interactive;

/* ---- words */

/* Put a character into the texts, which have room for all that a line can have. */
static void put(char **to, char c)
{
    *(*to)++ = c;
}

/* Read a word from *line on, and move on behind it. False: a quote has no end. */
static bool read_word(const char **line, char **to)
{
    const char *at = *line;
    char quote = '\0';

    for (; *at && (quote || !strchr(" \t\n|&;<>", *at)); at++) {
        if (*at == quote)
            quote = '\0';
        else if (!quote && (*at == '\'' || *at == '"'))
            quote = *at;
        else if (*at == '\\' && quote != '\'' && at[1])
            put(to, *++at);
        else if (*at == '$' && quote != '\'' && (at[1] == '?' || at[1] == '$'))
            put(to, *++at == '?' ? STATUS_MARK : PID_MARK);
        else
            put(to, *at);
    }
    put(to, '\0');
    *line = at;
    return !quote;
}

/* What an operator at `at` is, and how many characters it has. */
static enum kind operator_at(const char *at, int *length)
{
    static const struct {
        const char *text;
        enum kind kind;
    } operators[] = {{"&&", AND},      {"||", OR},   {">>", APPEND},
                     {"2>", ERRORS},   {"|", PIPE},  {"&", BACKGROUND},
                     {";", SEMICOLON}, {"<", INPUT}, {">", OUTPUT}};

    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        *length = (int)strlen(operators[i].text);
        if (memcmp(at, operators[i].text, at[1] ? (size_t)*length : 1) == 0 &&
            (at[1] || *length == 1))
            return operators[i].kind;
    }
    return WORD;
}

/* Take a line apart. False, and a message, when it makes no sense. */
static bool read_tokens(const char *line)
{
    char *to = texts;
    int count = 0, length;

    for (;;) {
        while (*line == ' ' || *line == '\t' || *line == '\n')
            line++;
        if (*line == '\0' || *line == '#')
            break;
        if (count == WORDS_MAX) {
            dprintf(STDERR_FILENO, "sh: more than %d words\n", WORDS_MAX);
            return false;
        }
        struct token *token = &tokens[count++];
        token->kind = operator_at(line, &length);
        token->text = to;
        if (token->kind != WORD) {
            line += length;
        } else if (!read_word(&line, &to)) {
            dprintf(STDERR_FILENO, "sh: a quote has no end\n");
            return false;
        }
    }
    tokens[count].kind = END;
    return true;
}

/* ---- commands */

struct command {
    char *argv[WORDS_MAX + 1];
    int argc;
    const char *files[3]; /* instead of descriptors 0 to 2, or NULL */
    bool append;
};

/* A word as it is now: marks replaced, in the place that *to leads to. */
static char *expand(const char *text, char **to)
{
    char *start = *to, *end = expanded + sizeof(expanded) - 16;

    for (; *text && *to < end; text++) {
        if (*text == STATUS_MARK || *text == PID_MARK)
            *to += snprintf(*to, 16, "%d", *text == STATUS_MARK ? last_status : getpid());
        else
            *(*to)++ = *text;
    }
    *(*to)++ = '\0';
    return start;
}

/* Read a command from tokens on. Returns the token behind it, or NULL, after a message. */
static const struct token *read_command(const struct token *token, struct command *command)
{
    char *to = expanded;

    memset(command, 0, sizeof(*command));
    for (;; token++) {
        bool is_file = token->kind >= INPUT && token->kind <= ERRORS;
        if (token->kind == WORD) {
            command->argv[command->argc++] = expand(token->text, &to);
        } else if (is_file && token[1].kind == WORD) {
            int fd = token->kind == INPUT ? 0 : token->kind == ERRORS ? 2 : 1;
            command->append = token->kind == APPEND;
            command->files[fd] = expand((++token)->text, &to);
        } else if (is_file || command->argc == 0) {
            dprintf(STDERR_FILENO, "sh: something is missing in this line\n");
            return NULL;
        } else {
            return token;
        }
    }
}

/* Let a descriptor be a file, in the child. */
static void redirect(int fd, const char *path, bool append)
{
    int flags = fd == 0 ? O_RDONLY : O_WRONLY | O_CREAT | (append ? O_APPEND : O_TRUNC);
    int file = open(path, flags);

    if (file < 0) {
        dprintf(STDERR_FILENO, "sh: %s: %s\n", path, error_text(file));
        _exit(1);
    }
    if (file != fd) {
        dup3(file, fd, 0);
        close(file);
    }
}

static _Noreturn void run_program(struct command *command)
{
    static const char *const places[] = {"", "/bin/", "/disk/sbin/"};
    static char *const no_environment[] = {NULL};
    char path[256];
    int error = -ENOENT;
    bool is_path = strchr(command->argv[0], '/');

    for (int fd = 0; fd < 3; fd++)
        if (command->files[fd])
            redirect(fd, command->files[fd], command->append);
    set_signal(SIGINT, SIGNAL_DEFAULT);
    for (int i = is_path ? 0 : 1; i < (is_path ? 1 : 3) && error == -ENOENT; i++) {
        snprintf(path, sizeof(path), "%s%s", places[i], command->argv[0]);
        error = execve(path, command->argv, no_environment);
    }
    dprintf(STDERR_FILENO, "sh: %s: %s\n", command->argv[0], error_text(error));
    _exit(STATUS_NOT_FOUND);
}

static int status_of(int wait_status)
{
    if (WIFEXITED(wait_status))
        return WEXITSTATUS(wait_status);
    if (WTERMSIG(wait_status) != SIGINT && WTERMSIG(wait_status) != SIGPIPE)
        dprintf(STDERR_FILENO, "sh: killed by signal %d\n", WTERMSIG(wait_status));
    return STATUS_SIGNAL + WTERMSIG(wait_status);
}

/* What the shell does itself. False: it is a program's name. */
static bool run_builtin(struct command *command)
{
    const char *name = command->argv[0];
    const char *argument = command->argc > 1 ? command->argv[1] : NULL;
    int error = 0;

    if (strcmp(name, "exit") == 0)
        exit(argument ? (int)strtol(argument, NULL, 10) : last_status);
    if (strcmp(name, "cd") == 0)
        error = chdir(argument ? argument : "/");
    else if (strcmp(name, "wait") == 0)
        while (wait(NULL) > 0)
            ;
    else
        return false;
    if (error)
        dprintf(STDERR_FILENO, "sh: %s: %s\n", name, error_text(error));
    last_status = error != 0;
    return true;
}

/*
 * Run the commands of a pipeline from a token on, each with what the one before it prints. Returns the token behind
 * it, or NULL when it makes no sense; *pid is the last one's.
 */
static const struct token *start_pipeline(const struct token *token, int *pid, int *started)
{
    static struct command command;
    int input = -1;

    *started = 0;
    for (;; token++) {
        int pipe[2] = {-1, -1};
        token = read_command(token, &command);
        if (!token)
            break;
        bool more = token->kind == PIPE;
        if (!more && *started == 0 && run_builtin(&command)) {
            *pid = 0;
            return token;
        }
        if (more && pipe2(pipe, 0) != 0) {
            dprintf(STDERR_FILENO, "sh: no pipe\n");
            token = NULL;
            break;
        }
        *pid = fork();
        if (*pid == 0) {
            if (input >= 0)
                dup3(input, 0, 0), close(input);
            if (more)
                dup3(pipe[1], 1, 0), close(pipe[1]), close(pipe[0]);
            run_program(&command);
        }
        if (input >= 0)
            close(input);
        if (more)
            close(pipe[1]);
        input = pipe[0];
        if (*pid < 0) {
            dprintf(STDERR_FILENO, "sh: no process: %s\n", error_text(*pid));
            last_status = 1;
            if (more)
                continue;
            return token;
        }
        (*started)++;
        if (!more)
            return token;
    }
    if (input >= 0)
        close(input);
    return token;
}

static void run_line(const char *line)
{
    const struct token *token = tokens;
    bool skip = false;

    if (!read_tokens(line)) {
        last_status = STATUS_SYNTAX;
        return;
    }
    while (token->kind != END) {
        int pid, started, status;
        if (skip) {
            while (token->kind == WORD || token->kind == PIPE || token->kind >= INPUT)
                if (token++->kind == END)
                    return;
        } else {
            token = start_pipeline(token, &pid, &started);
            if (!token) {
                last_status = STATUS_SYNTAX;
                while (started-- > 0)
                    wait(NULL);
                return;
            }
            if (token->kind == BACKGROUND) {
                if (pid > 0 && interactive)
                    dprintf(STDERR_FILENO, "[%d]\n", pid);
                last_status = 0;
            } else if (pid > 0) {
                /* The others end as well, sooner or later: nothing is left of them when this returns. */
                if (waitpid(pid, &status, 0) == pid)
                    last_status = status_of(status);
            }
        }
        skip = (token->kind == AND && last_status != 0) || (token->kind == OR && last_status == 0);
        if (token->kind != END)
            token++;
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
}

/* ---- where lines come from */

/* The next line of a descriptor, without its end. False when there is none any more. */
static bool read_line(int fd, char line[LINE_MAX])
{
    static char buffer[512];
    static long count, at;
    size_t length = 0;

    for (;;) {
        if (at == count) {
            at = 0;
            count = read(fd, buffer, sizeof(buffer));
            if (count <= 0) {
                count = 0;
                line[length] = '\0';
                return length > 0;
            }
        }
        char c = buffer[at++];
        if (c == '\n') {
            line[length] = '\0';
            return true;
        }
        if (length < LINE_MAX - 1)
            line[length++] = c;
    }
}

int main(int argc, char *argv[])
{
    static char line[LINE_MAX];
    int fd = STDIN_FILENO;

    if (argc > 2 && strcmp(argv[1], "-c") == 0) {
        /* New C libraries' system() puts a "--" before the line. */
        run_line(argv[argc > 3 && strcmp(argv[2], "--") == 0 ? 3 : 2]);
        return last_status;
    }
    if (argc > 1)
        fd = open(argv[1], O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        dprintf(STDERR_FILENO, "sh: %s: %s\n", argv[1], error_text(fd));
        return STATUS_NOT_FOUND;
    }
    interactive = fd == STDIN_FILENO && isatty(fd);
    if (interactive)
        set_signal(SIGINT, SIGNAL_IGNORED);
    for (;;) {
        if (interactive)
            dprintf(STDERR_FILENO, "$ ");
        if (!read_line(fd, line))
            return last_status;
        run_line(line);
    }
}
