/* arguments WORD...: what a program is told when it starts: its arguments, and its environment. */
#include <getopt.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "say.h"

static void environment(void)
{
    printf("at first: %s\n", environ && *environ ? *environ : "nothing");
    setenv("ONE", "1", 1);
    setenv("TWO", "2", 1);
    setenv("ONE", "other", 0);
    char own[] = "THREE=3";
    putenv(own);
    own[6] = '4';
    printf("%s %s %s %s\n", getenv("ONE"), getenv("TWO"), getenv("THREE"),
           getenv("NONE") ? "some" : "none");
    unsetenv("ONE");
    for (char **each = environ; *each; each++)
        printf("%s\n", *each);
    clearenv();
    printf("cleared: %d\n", getenv("TWO") == NULL);
}

static void system_says(void)
{
    struct utsname names;
    printf("uname: %d, %s on %s\n", uname(&names), names.sysname, names.machine);
    printf("pages of %ld, auxv %lu\n", sysconf(_SC_PAGESIZE), getauxval(AT_PAGESZ));
    struct rlimit limit;
    SAY(getrlimit(RLIMIT_NOFILE, &limit));
    SAY(setrlimit(RLIMIT_NOFILE, &limit));
    limit.rlim_cur = limit.rlim_max;
    limit.rlim_max = 1;
    SAY(setrlimit(RLIMIT_NOFILE, &limit));
    SAY(getrlimit(77, &limit));
    unsigned long none = getauxval(99999);
    printf("no such entry: %lu, %s\n", none, strerror(errno));
    printf("a pid, and a parent: %d\n", getpid() > 1 && getppid() > 0);
}

int main(int argc, char *argv[])
{
    static const struct option options[] = {{"verbose", no_argument, NULL, 'v'},
                                            {"size", required_argument, NULL, 's'},
                                            {"colour", optional_argument, NULL, 'c'},
                                            {NULL, 0, NULL, 0}};
    printf("argc %d, argv[argc] %s\n", argc, argv[argc] ? "is there" : "is NULL");
    for (int i = 0; i < argc; i++)
        printf("argv[%d]: %s\n", i, argv[i]);
    for (int found; (found = getopt_long(argc, argv, "vs:c::", options, NULL)) != -1;)
        printf("option %c, %s\n", found, optarg ? optarg : "no argument");
    for (int i = optind; i < argc; i++)
        printf("rest: %s\n", argv[i]);
    printf("program_invocation_short_name: %s\n", program_invocation_short_name);
    environment();
    system_says();
    return argc;
}
