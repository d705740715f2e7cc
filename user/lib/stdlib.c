#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return INT_MAX; /* larger than any base */
}

/* The number without its sign, ULONG_MAX if it does not fit; *overflowed says so. */
static unsigned long parse(const char *string, char **end, int base, bool *negative,
                           bool *overflowed)
{
    const char *s = string;
    unsigned long value = 0;

    *negative = false;
    *overflowed = false;
    if (end != NULL)
        *end = (char *)string;
    while (*s == ' ' || (*s >= '\t' && *s <= '\r'))
        s++;
    if (*s == '+' || *s == '-')
        *negative = *s++ == '-';
    /* "0x" counts as a prefix only if a digit follows; else the number is the 0 before the x. */
    if (base != 10 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') && digit_value(s[2]) < 16) {
        s += 2;
        base = 16;
    } else if (base == 0) {
        base = 10;
    }
    for (; digit_value(*s) < base; s++) {
        if (__builtin_mul_overflow(value, (unsigned long)base, &value) ||
            __builtin_add_overflow(value, (unsigned long)digit_value(*s), &value))
            *overflowed = true;
        if (end != NULL)
            *end = (char *)s + 1;
    }
    return *overflowed ? ULONG_MAX : value;
}

unsigned long strtoul(const char *restrict string, char **restrict end, int base)
{
    bool negative, overflowed;
    unsigned long value = parse(string, end, base, &negative, &overflowed);

    /* The standard's rule: "-1" is a valid unsigned number, and means ULONG_MAX. */
    return negative && !overflowed ? -value : value;
}

long strtol(const char *restrict string, char **restrict end, int base)
{
    bool negative, overflowed;
    unsigned long value = parse(string, end, base, &negative, &overflowed);

    if (negative)
        return value > LONG_MAX ? LONG_MIN : -(long)value;
    return value > LONG_MAX ? LONG_MAX : (long)value;
}

_Noreturn void exit(int code)
{
    stdio_flush();
    _exit(code);
}
