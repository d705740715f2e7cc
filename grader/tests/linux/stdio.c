/* stdio: formats, buffers, and an input that ends at once. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "say.h"

static void formats(void)
{
    printf("%d|%5d|%-5d|%05d|%+d|% d\n", 42, 42, 42, 42, 42, 42);
    printf("%x|%X|%#x|%#o|%u|%c|%%\n", 0xbeefu, 0xbeefu, 0xbeefu, 8u, 4000000000u, 'c');
    printf("%hhd|%hd|%ld|%lld|%zu|%jd\n", (signed char)-1, (short)-2, -3L, -4LL, sizeof(long),
           (intmax_t)-5);
    printf("%s|%10s|%-10s|%.3s|%*s|%.*s\n", "text", "text", "text", "text", 7, "text", 2, "text");
    printf("%2$s %1$s\n", "second", "first");
    printf("%f|%.2f|%e|%g|%g|%g|%a\n", 3.25, 2.675, 12345.678, 1e-5, 1e15, 0.1, 0.5);
    printf("%p|%" PRIu64 "|%" PRIx8 "\n", NULL, UINT64_MAX, (uint8_t)0xab);
    errno = ENOENT;
    printf("%m\n");
}

static void scanning(void)
{
    int number = 0, hexadecimal = 0, used = 0;
    char word[16] = "", set[16] = "";
    double real = 0;
    int found = sscanf("12 0x1f word 2.5e3 [abba] rest", "%d %i %15s %lf [%15[ab]]%n", &number,
                       &hexadecimal, word, &real, set, &used);
    printf("%d found: %d %d %s %g %s, %d bytes\n", found, number, hexadecimal, word, real, set,
           used);
    char *end;
    errno = 0;
    long most = strtol("99999999999999999999x", &end, 10);
    printf("strtol: %ld, errno %d, then '%s'\n", most, errno, end);
}

/* Lines that are put together in memory. */
static void memory_streams(void)
{
    char small[8];
    int needed = snprintf(small, sizeof(small), "%s", "longer than eight");
    printf("snprintf: '%s' of %d\n", small, needed);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    for (int i = 0; i < 1000; i++)
        fprintf(out, "%d,", i);
    fclose(out);
    printf("open_memstream: %zu bytes, ...%s\n", size, text + size - 8);
    FILE *in = fmemopen(text, size, "r");
    long sum = 0;
    for (int n; fscanf(in, "%d,", &n) == 1; sum += n)
        ;
    printf("fmemopen: sum %ld, end %d\n", sum, feof(in) != 0);
    fclose(in);
    free(text);
}

/* One stream with a large buffer, one without: what each writes comes when it is to come. */
static void buffers(void)
{
    static char buffer[4096];
    FILE *full = fdopen(dup(STDOUT_FILENO), "w"), *none = fdopen(dup(STDOUT_FILENO), "w");
    setvbuf(full, buffer, _IOFBF, sizeof(buffer));
    setvbuf(none, NULL, _IONBF, 0);
    fprintf(full, "buffered, so it comes second\n");
    fprintf(none, "not buffered, so it comes first\n");
    fflush(full);
    for (int line = 0; line < 100; line++) {
        for (int i = 0; i < 63; i++)
            putc('!' + (line * 7 + i) % 94, full);
        putc('\n', full);
    }
    fclose(full);
    fclose(none);
}

int main(void)
{
    puts("Hello, world!");
    printf("a terminal: %d\n", isatty(STDOUT_FILENO));
    formats();
    scanning();
    memory_streams();
    buffers();
    fprintf(stderr, "to standard error: %s\n", strerror(EPIPE));
    char line[16];
    bool ended = getchar() == EOF && feof(stdin) && !ferror(stdin);
    const char *more = fgets(line, sizeof(line), stdin);
    printf("standard input has ended: %d, then comes %s\n", ended, more ? more : "nothing");
    SAY(write(77, "x", 1));
    printf("the last line has no end, and comes when the program does");
    return 0;
}
