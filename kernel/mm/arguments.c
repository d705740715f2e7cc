/* arguments.c: the upper end of a new program's stack. */
#include "arguments.h"

#include "errno.h"
#include "kmalloc.h"
#include "string.h"
#include "timer.h"

enum { RANDOM_BYTES = 16 };

/* How many strings a vector has; adds their sizes to *bytes. */
static size_t vector_count(char *const vector[], size_t *bytes)
{
    size_t count = 0;
    for (; vector[count]; count++)
        *bytes += strlen(vector[count]) + 1;
    return count;
}

/* Nothing that a program could not guess: the machine has no source of randomness yet. */
static void random_bytes(uint8_t *bytes, size_t size)
{
    uint64_t state = time_now() | 1;
    for (size_t i = 0; i < size; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        bytes[i] = (uint8_t)(state >> 24);
    }
}

int arguments_build(const struct arguments *arguments, uint64_t top, void **image, size_t *size)
{
    char *const *const vectors[2] = {arguments->argv, arguments->envp};
    const struct auxiliary *auxiliary = arguments->auxiliary;
    size_t counts[2], pairs = 1, strings = 0;
    for (int v = 0; v < 2; v++)
        counts[v] = vector_count(vectors[v], &strings);
    if (auxiliary) {
        pairs++; /* AT_RANDOM */
        for (const struct auxiliary *a = auxiliary; a->type != AT_NULL; a++)
            pairs++;
        strings += RANDOM_BYTES;
    }
    size_t words = 1 + counts[0] + 1 + counts[1] + 1 + 2 * pairs;
    if (words * sizeof(uint64_t) + strings > ARGUMENTS_MAX)
        return -E2BIG;
    *size = (words * sizeof(uint64_t) + strings + 15) & ~(size_t)15;
    *image = kmalloc(*size);
    if (!*image)
        return -ENOMEM;

    /* What lies at image + n here lies at top - size + n there. */
    uint64_t *word = *image;
    char *string = (char *)*image + *size - strings;
    uint64_t there = top - strings;
    *word++ = counts[0];
    for (int v = 0; v < 2; v++) {
        for (size_t i = 0; i < counts[v]; i++) {
            size_t n = strlen(vectors[v][i]) + 1;
            memcpy(string, vectors[v][i], n);
            *word++ = there;
            string += n, there += n;
        }
        *word++ = 0;
    }
    if (auxiliary) {
        for (const struct auxiliary *a = auxiliary; a->type != AT_NULL; a++) {
            *word++ = a->type;
            *word++ = a->value;
        }
        *word++ = AT_RANDOM;
        *word++ = there;
        random_bytes((uint8_t *)string, RANDOM_BYTES);
    }
    return 0; /* AT_NULL is two words of zero, which kmalloc has put there */
}
