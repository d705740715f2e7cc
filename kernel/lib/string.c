/*
 * string.c: memory and strings.
 *
 * Copies and fills move 64 bits at a time where alignment allows: the loader and the system calls
 * spend most of their instructions here.
 */
#include "string.h"

#include <stdint.h>

enum {
    WORD = 8,
    BLOCK = 8 * WORD,
    PIECE = 32 * WORD
}; /* copied, or filled, in one turn of a loop */

/* A word that may overlay objects of any type. */
typedef uint64_t __attribute__((may_alias)) word_t;

void *memcpy(void *restrict dst, const void *restrict src, size_t size)
{
    char *d = dst;
    const char *s = src;
    if ((((uintptr_t)d ^ (uintptr_t)s) & (WORD - 1)) == 0) {
        for (; size > 0 && ((uintptr_t)d & (WORD - 1)); size--)
            *d++ = *s++;
        for (const char *end = d + size / BLOCK * BLOCK; d < end; d += BLOCK, s += BLOCK) {
            word_t *to = (word_t *)d;
            const word_t *from = (const word_t *)s;
            uint64_t w0 = from[0], w1 = from[1], w2 = from[2], w3 = from[3];
            uint64_t w4 = from[4], w5 = from[5], w6 = from[6], w7 = from[7];
            to[0] = w0, to[1] = w1, to[2] = w2, to[3] = w3;
            to[4] = w4, to[5] = w5, to[6] = w6, to[7] = w7;
        }
        size %= BLOCK;
        for (; size >= WORD; size -= WORD, d += WORD, s += WORD)
            *(word_t *)d = *(const word_t *)s;
    }
    for (; size > 0; size--)
        *d++ = *s++;
    return dst;
}

void *memmove(void *dst, const void *src, size_t size)
{
    if ((uintptr_t)dst - (uintptr_t)src >= size)
        return memcpy(dst, src, size); /* dst is outside src: going upwards is right */
    char *d = (char *)dst + size;
    const char *s = (const char *)src + size;
    for (; size > 0; size--)
        *--d = *--s;
    return dst;
}

void *memset(void *dst, int byte, size_t size)
{
    char *d = dst;
    for (; size > 0 && ((uintptr_t)d & (WORD - 1)); size--)
        *d++ = (char)byte;
    uint64_t word = 0x0101010101010101UL * (uint8_t)byte;
    for (const char *end = d + size / PIECE * PIECE; d < end; d += PIECE) {
        word_t *to = (word_t *)d;
        to[0] = word, to[1] = word, to[2] = word, to[3] = word;
        to[4] = word, to[5] = word, to[6] = word, to[7] = word;
        to[8] = word, to[9] = word, to[10] = word, to[11] = word;
        to[12] = word, to[13] = word, to[14] = word, to[15] = word;
        to[16] = word, to[17] = word, to[18] = word, to[19] = word;
        to[20] = word, to[21] = word, to[22] = word, to[23] = word;
        to[24] = word, to[25] = word, to[26] = word, to[27] = word;
        to[28] = word, to[29] = word, to[30] = word, to[31] = word;
    }
    for (const char *end = d + size % PIECE / BLOCK * BLOCK; d < end; d += BLOCK) {
        word_t *to = (word_t *)d;
        to[0] = word, to[1] = word, to[2] = word, to[3] = word;
        to[4] = word, to[5] = word, to[6] = word, to[7] = word;
    }
    size %= BLOCK;
    for (; size >= WORD; size -= WORD, d += WORD)
        *(word_t *)d = word;
    for (; size > 0; size--)
        *d++ = (char)byte;
    return dst;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const uint8_t *x = a, *y = b;
    for (; size > 0; size--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

size_t strlen(const char *s)
{
    size_t length = 0;
    while (s[length])
        length++;
    return length;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t size)
{
    for (; size > 0; size--, a++, b++)
        if (*a != *b || *a == '\0')
            return (uint8_t)*a - (uint8_t)*b;
    return 0;
}

char *strchr(const char *s, int c)
{
    for (;; s++) {
        if (*s == (char)c)
            return (char *)s;
        if (*s == '\0')
            return NULL;
    }
}
