/*
 * writes CASE [ARGUMENT]...: what write() returns. Results are printed as "LABEL: VALUE"; errors
 * are negative. Exits with 0, or 2 if misused.
 *
 *     badfd             1 byte to descriptors that cannot be written     "fd N"
 *     out               "to fd 2\n" to standard error                    "fd 2"
 *     zero              no bytes: valid, invalid buffer, bad descriptors "zero ..."
 *     nul               "a\0b\0c\n"                                      "nul"
 *     large N           N (up to 65536) bytes of a pattern, in one call  "\nreturned"
 *     length N          the same with the digits 0123456789...           "\nlength"
 *     badbuf ADDRESS... 16 bytes at each                                 "ADDRESS" as given
 *     overflow          lengths and addresses whose sum wraps around     see below
 *     until FD N        N (up to 65536) digits to a descriptor, in as many    "\ntaken"
 *                       calls as it takes, until one fails               "then"
 *     partial END N...  10 bytes, of which N (up to 9) lie behind END,
 *                       the first address that is not the program's      "N behind"
 *
 * Addresses are hexadecimal. Linux: yes, with standard input opened for reading only, as our kernel
 * has it; `partial` has no END there that one could know.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char buffer[65536];

static void report(const char *label, ssize_t value)
{
    printf("%s: %ld\n", label, value);
}

static void badfd(void)
{
    static const int fds[] = {STDIN_FILENO, 3, 4, 100, -1, 0x7fffffff, 1 << 20};

    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        printf("fd %d: %ld\n", fds[i], write(fds[i], "x", 1));
}

static void zero(void)
{
    /* Below 2^38 and thus an address any Linux might map: beyond, some say -EFAULT already. */
    const void *unmapped = (const void *)0xdeadbe000;

    report("zero valid", write(STDOUT_FILENO, buffer, 0));
    report("zero invalid", write(STDOUT_FILENO, unmapped, 0));
    report("zero closed", write(77, buffer, 0));
    report("zero read-only", write(STDIN_FILENO, buffer, 0));
}

/*
 * Lines of 63 characters and a newline. Each starts a generator of its own with its number (from
 * 0), so that any part of the text can be checked without the rest.
 */
static void fill_pattern(size_t length)
{
    uint32_t state = 0;

    for (size_t i = 0; i < length; i++) {
        if (i % 64 == 0)
            state = (uint32_t)(i / 64);
        state = state * 1103515245 + 12345;
        buffer[i] = i % 64 == 63 ? '\n' : (char)('!' + (state >> 16) % 94);
    }
}

static void fill_digits(size_t length)
{
    for (size_t i = 0; i < length; i++)
        buffer[i] = (char)('0' + i % 10);
}

static void overflow(void)
{
    report("length 2^64-1", write(STDOUT_FILENO, buffer, SIZE_MAX));
    report("length 2^64-8", write(STDOUT_FILENO, buffer, SIZE_MAX - 7));
    report("length 2^63", write(STDOUT_FILENO, buffer, 1UL << 63));
    report("address 2^64-8", write(STDOUT_FILENO, (const void *)-8UL, 16));
}

/* As programs write that know of short counts. */
static void until(int fd, size_t size)
{
    size_t taken = 0;
    ssize_t value = 0;

    while (taken < size && (value = write(fd, buffer + taken, size - taken)) > 0)
        taken += (size_t)value;
    report("\ntaken", (ssize_t)taken);
    report("then", value);
}

/* The kernel may refuse, or write the bytes that it can. */
static void partial(char *end, unsigned long behind)
{
    static const char text[] = "ten bytes\n";
    unsigned long valid = behind < 10 ? 10 - behind : 0;
    char kept[10];
    ssize_t value;

    memcpy(kept, end - valid, valid);
    memcpy(end - valid, text, valid);
    value = write(STDOUT_FILENO, end - valid, 10);
    memcpy(end - valid, kept, valid);
    if (value > 0 && value < 10)
        printf("\n");
    printf("%lu behind: %ld\n", behind, value);
}

int main(int argc, char *argv[])
{
    const char *which = argc > 1 ? argv[1] : "";
    size_t size = argc > 2 ? strtoul(argv[2], NULL, 10) : sizeof(buffer) + 1;

    if (strcmp(which, "badfd") == 0) {
        badfd();
    } else if (strcmp(which, "out") == 0) {
        report("fd 2", write(STDERR_FILENO, "to fd 2\n", 8));
    } else if (strcmp(which, "zero") == 0) {
        zero();
    } else if (strcmp(which, "nul") == 0) {
        report("nul", write(STDOUT_FILENO, "a\0b\0c\n", 6));
    } else if (strcmp(which, "large") == 0 && size <= sizeof(buffer)) {
        fill_pattern(size);
        report("\nreturned", write(STDOUT_FILENO, buffer, size));
    } else if (strcmp(which, "length") == 0 && size <= sizeof(buffer)) {
        fill_digits(size);
        report("\nlength", write(STDOUT_FILENO, buffer, size));
    } else if (strcmp(which, "badbuf") == 0) {
        for (int i = 2; i < argc; i++)
            report(argv[i], write(STDOUT_FILENO, (const void *)strtoul(argv[i], NULL, 16), 16));
    } else if (strcmp(which, "overflow") == 0) {
        overflow();
    } else if (strcmp(which, "until") == 0 && argc > 3) {
        size = strtoul(argv[3], NULL, 10) % (sizeof(buffer) + 1);
        fill_digits(size);
        until((int)strtol(argv[2], NULL, 10), size);
    } else if (strcmp(which, "partial") == 0 && argc > 3) {
        for (int i = 3; i < argc; i++)
            partial((char *)strtoul(argv[2], NULL, 16), strtoul(argv[i], NULL, 10));
    } else {
        dprintf(STDERR_FILENO,
                "usage: writes badfd|out|zero|nul|overflow, large|length N, until FD N, "
                "badbuf ADDRESS..., partial END N...\n");
        return 2;
    }
    return 0;
}
