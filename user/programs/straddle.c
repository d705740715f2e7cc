/*
 * straddle: has the kernel read and write across the boundary of two pages.
 * Prints "CASE: right", or what is wrong with it, and where; structs at every distance from the boundary:
 *     write            a text that begins on one page and ends on the next, and its length
 *     clock_gettime, gettimeofday      their structs; the bytes around them stay as they were
 *     nanosleep        its request, of no time at all
 *     refused          structs on a page that cannot be written, and those of which the second half does
 * Exits with 0, or 1 if something was wrong. Linux: yes.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, FILL = 0x5a };

extern unsigned char _end[]; /* user.ld */

/* The boundary lies in the middle. */
static struct {
    unsigned char bytes[2 * PAGE];
} __attribute__((aligned(4096))) pages;

static int wrong;

static void say(const char *what, const char *problem, int distance)
{
    if (problem == NULL) {
        printf("%s: right\n", what);
        return;
    }
    printf("%s: %s, %d bytes before the boundary\n", what, problem, distance);
    wrong = 1;
}

/* Is everything but `size` bytes at `at` as it was filled? */
static int untouched(const unsigned char *at, int size)
{
    for (const unsigned char *b = pages.bytes; b < pages.bytes + sizeof(pages.bytes); b++)
        if ((b < at || b >= at + size) && *b != FILL)
            return 0;
    return 1;
}

static const char *check_clock(unsigned char *at, int micro)
{
    struct timespec before, now, after; /* a timeval has the same layout, and other fractions */
    long unit = micro ? 1000 : 1;

    memset(pages.bytes, FILL, sizeof(pages.bytes));
    clock_gettime(CLOCK_REALTIME, &before);
    long result = micro ? gettimeofday((struct timeval *)at, NULL)
                        : clock_gettime(CLOCK_REALTIME, (struct timespec *)at);
    clock_gettime(CLOCK_REALTIME, &after);
    memcpy(&now, at, sizeof(now));
    if (result != 0)
        return "refused";
    long ns = now.tv_nsec * unit;

    if (now.tv_sec < before.tv_sec || now.tv_sec > after.tv_sec ||
        (now.tv_sec == before.tv_sec && ns < before.tv_nsec / unit * unit) ||
        (now.tv_sec == after.tv_sec && ns > after.tv_nsec))
        return "not the time";
    return untouched(at, sizeof(now)) ? NULL : "changed bytes around it";
}

int main(void)
{
    unsigned char *boundary = pages.bytes + PAGE;
    static const char text[] = "a text that begins on one page and ends on the next";
    int size = sizeof(text) - 1;
    const char *problem = NULL;
    int distance;

    memcpy(boundary - size / 2, text, sizeof(text) - 1);
    long written = write(STDOUT_FILENO, boundary - size / 2, sizeof(text) - 1);

    printf("\nwrite: %ld\n", written);
    for (int micro = 0; micro <= 1; micro++) {
        for (distance = 0; distance <= 16; distance++)
            if ((problem = check_clock(boundary - distance, micro)) != NULL)
                break;
        say(micro ? "gettimeofday" : "clock_gettime", problem, distance);
    }
    problem = NULL;
    for (distance = 0; distance <= 16; distance++) {
        memset(boundary - distance, 0, sizeof(struct timespec));
        if (nanosleep((struct timespec *)(boundary - distance), NULL) != 0)
            break;
    }
    say("nanosleep", distance > 16 ? NULL : "refused", distance);
    /* The text lies on a page that can be read only, the page before, or behind, is not there. */
    problem = NULL;
    for (distance = 0; distance <= 15 && !problem; distance++)
        if (clock_gettime(CLOCK_REALTIME, (struct timespec *)(text + distance)) != -EFAULT)
            problem = "accepted";
    /* The last page of the program can be written, and behind it is nothing. */
    unsigned char *end = (unsigned char *)(((unsigned long)_end + PAGE - 1) & -(unsigned long)PAGE);
    for (int before = 1; before <= 15 && !problem; before++)
        if (clock_gettime(CLOCK_REALTIME, (struct timespec *)(end - before)) != -EFAULT)
            problem = "accepted behind the program's end", distance = before;
    say("refused", problem, distance);
    return wrong;
}
