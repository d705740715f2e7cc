/* Plain byte loops: clear, and fast enough for what the programs do. */
#include <string.h>

/* Otherwise gcc recognises the loop in memset as a memset, and lets it call itself. */
#pragma GCC optimize("no-tree-loop-distribute-patterns")

void *memcpy(void *restrict to, const void *restrict from, size_t length)
{
    unsigned char *t = to;
    const unsigned char *f = from;

    while (length-- > 0)
        *t++ = *f++;
    return to;
}

void *memmove(void *to, const void *from, size_t length)
{
    unsigned char *t = to;
    const unsigned char *f = from;

    if (t < f) {
        while (length-- > 0)
            *t++ = *f++;
    } else {
        while (length-- > 0)
            t[length] = f[length];
    }
    return to;
}

void *memset(void *at, int byte, size_t length)
{
    unsigned char *a = at;

    while (length-- > 0)
        *a++ = (unsigned char)byte;
    return at;
}

int memcmp(const void *left, const void *right, size_t length)
{
    const unsigned char *l = left;
    const unsigned char *r = right;

    for (; length > 0; length--, l++, r++)
        if (*l != *r)
            return *l - *r;
    return 0;
}

size_t strlen(const char *string)
{
    const char *end = string;

    while (*end != '\0')
        end++;
    return (size_t)(end - string);
}

int strcmp(const char *left, const char *right)
{
    while (*left != '\0' && *left == *right) {
        left++;
        right++;
    }
    return (unsigned char)*left - (unsigned char)*right;
}

char *strchr(const char *string, int character)
{
    for (;; string++) {
        if (*string == (char)character)
            return (char *)string;
        if (*string == '\0')
            return NULL;
    }
}
