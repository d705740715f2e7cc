/* program.c: programs that are written for another one to read. */
#include "errno.h"
#include "file.h"
#include "kmalloc.h"
#include "loader.h"
#include "process.h"
#include "slot.h"
#include "string.h"

static long nothing_to_pass(struct task *task, uint64_t address, char ***vector)
{
    (void)task, (void)address, (void)vector;
    return -ENOSYS;
}

DEFAULT(copy_vector, nothing_to_pass);

enum { LINE_MAX = 256 }; /* Linux's BINPRM_BUF_SIZE */

/* The first word of a line from *at on, ended by a NUL, and *at behind it; NULL when there is none. */
static char *next_word(char **at)
{
    char *word = *at;
    while (*word == ' ' || *word == '\t')
        word++;
    char *end = word;
    while (*end && *end != ' ' && *end != '\t')
        end++;
    *at = *end ? end + 1 : end;
    *end = '\0';
    return *word ? word : NULL;
}

/* The rest of a line without the spaces around it, NULL if there is none: Linux splits it no further. */
static char *rest_of(char *line)
{
    while (*line == ' ' || *line == '\t')
        line++;
    size_t length = strlen(line);
    while (length > 0 && (line[length - 1] == ' ' || line[length - 1] == '\t'))
        length--;
    line[length] = '\0';
    return *line ? line : NULL;
}

/*
 * Read the first line of the file at path, if it is one for another program.  Returns 1 when it is, 0 when not, or
 * an error: -ENOEXEC for a line that is too long, or names nobody.
 */
static int read_line(const char *path, char line[LINE_MAX])
{
    int error;
    struct file *file = file_open(path, &error);
    if (!file)
        return error == -EISDIR ? -EACCES : error;
    long size = file->ops->read_at(file, line, LINE_MAX - 1, 0);
    file_put(file);
    if (size < 0)
        return (int)size;
    line[size] = '\0';
    if (size < 2 || line[0] != '#' || line[1] != '!')
        return 0;
    char *end = strchr(line, '\n');
    if (!end && size == LINE_MAX - 1)
        return -ENOEXEC;
    if (end)
        *end = '\0';
    return 1;
}

int program_load(struct process *process, const char *path, char *const argv[], char *const envp[])
{
    static char *const nameless[] = {"", NULL};
    char line[LINE_MAX];
    if (!argv[0])
        argv = nameless; /* as Linux: programs trust that they have a name */
    int is_script = read_line(path, line);
    if (is_script <= 0)
        return is_script < 0 ? is_script : loader->load(process, path, argv, envp);
    char *at = line + 2, *interpreter = next_word(&at), *argument = rest_of(at);
    if (!interpreter)
        return -ENOEXEC;
    size_t count = 0;
    while (argv[count])
        count++;
    /* The interpreter, its argument, the path, and what follows the program's own name. */
    char **all = kmalloc((count + 4) * sizeof(*all));
    if (!all)
        return -ENOMEM;
    size_t n = 0;
    all[n++] = interpreter;
    if (argument)
        all[n++] = argument;
    all[n++] = (char *)(uintptr_t)path;
    for (size_t i = 1; i < count; i++)
        all[n++] = argv[i];
    int error = loader->load(process, interpreter, all, envp);
    kfree(all);
    return error;
}
