/* heap [SEED]: memory that is allocated, resized and freed at random; each piece keeps what was written to it. */
#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECES = 300, STEPS = 20000, LARGE = 3 << 20 };

static struct piece {
    unsigned char *bytes;
    size_t size;
    unsigned char mark;
} pieces[PIECES];

static uint32_t state = 1;

static uint32_t draw(uint32_t below)
{
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;
    return state % below;
}

/* Mostly small, at times as large as what malloc() has from mmap(). */
static size_t draw_size(void)
{
    uint32_t kind = draw(400);
    return kind == 0 ? draw(LARGE) : kind < 10 ? draw(200000) : draw(600);
}

/* Each byte follows from the piece's mark and the place; of large ones look at the ends and a byte here and there. */
static unsigned char wanted(const struct piece *piece, size_t at)
{
    return (unsigned char)(piece->mark + at * 31);
}

static size_t step(size_t at, size_t size)
{
    return at < 64 || at + 65 > size ? 1 : size > 4096 ? 509 : 7;
}

static void fill(struct piece *piece)
{
    for (size_t at = 0; at < piece->size; at += step(at, piece->size))
        piece->bytes[at] = wanted(piece, at);
}

static void check(const struct piece *piece, size_t until)
{
    for (size_t at = 0; at < until; at += step(at, piece->size))
        if (piece->bytes[at] != wanted(piece, at)) {
            printf("a piece of %zu bytes has lost byte %zu\n", piece->size, at);
            exit(1);
        }
}

static void change(struct piece *piece)
{
    struct piece now = {.size = draw_size(), .mark = (unsigned char)draw(256)};
    if (!piece->bytes) {
        now.bytes = draw(4) ? malloc(now.size) : calloc(now.size + 1, 1);
    } else if (draw(3) == 0) {
        check(piece, piece->size);
        size_t kept = piece->size < now.size ? piece->size : now.size;
        /* Where the new size leads elsewhere the bytes that are looked at are others: these are the same. */
        kept = kept < 64 ? kept : 64;
        now.bytes = realloc(piece->bytes, now.size + 1);
        struct piece before = {.bytes = now.bytes, .size = kept, .mark = piece->mark};
        check(&before, kept);
    } else {
        check(piece, piece->size);
        free(piece->bytes);
        now.size = 0;
    }
    *piece = now;
    fill(piece);
}

/* Memory that has been written to before, and is to be zero. */
static bool calloc_is_zero(size_t size)
{
    unsigned char *bytes = malloc(size), all = 0;
    memset(bytes, 0xa5, size);
    free(bytes);
    bytes = calloc(1, size);
    for (size_t i = 0; i < size; i++)
        all |= bytes[i];
    free(bytes);
    return all == 0;
}

/* A block that grows beyond what is behind it, in place or not. */
static bool grows(void)
{
    size_t size = 1 << 16;
    uint32_t *words = NULL;
    for (size_t have = 0; size <= 16u << 20; size *= 2) {
        words = realloc(words, size);
        for (; have < size / sizeof(*words); have++)
            words[have] = (uint32_t)(have * 2654435761u);
    }
    bool right = true;
    for (size_t i = 0; i < (8u << 20) / sizeof(*words); i += 97)
        right &= words[i] == (uint32_t)(i * 2654435761u);
    words = realloc(words, 5000);
    for (size_t i = 0; i < 5000 / sizeof(*words); i++)
        right &= words[i] == (uint32_t)(i * 2654435761u);
    free(words);
    return right;
}

int main(int argc, char *argv[])
{
    if (argc > 1)
        state = (uint32_t)strtoul(argv[1], NULL, 0) | 1;
    for (int n = 0; n < STEPS; n++)
        change(&pieces[draw(PIECES)]);
    size_t left = 0, bytes = 0;
    for (int i = 0; i < PIECES; i++) {
        check(&pieces[i], pieces[i].size);
        left += pieces[i].bytes != NULL;
        bytes += pieces[i].size;
        free(pieces[i].bytes);
    }
    printf("%d steps; at the end %zu pieces, %zu bytes\n", STEPS, left, bytes);
    for (size_t size = 100; size <= 1 << 20; size *= 101)
        printf("calloc(%zu) is zero: %d\n", size, calloc_is_zero(size));
    printf("a block grows to 16 MiB, and shrinks: %d\n", grows());
    for (size_t alignment = 16; alignment <= 1 << 16; alignment *= 16) {
        void *aligned = aligned_alloc(alignment, 3 * alignment);
        printf("aligned to %zu: %d\n", alignment, (uintptr_t)aligned % alignment == 0);
        free(aligned);
    }
    errno = 0;
    volatile size_t too_large = (size_t)1 << 60;
    void *none = malloc(too_large);
    printf("2^60 bytes: %s, %s\n", none ? "some" : "none", strerror(errno));
    printf("malloc_trim: %d\n", malloc_trim(0) >= 0);
    char *copy = strdup("what is left still works");
    puts(copy);
    free(copy);
    return 0;
}
