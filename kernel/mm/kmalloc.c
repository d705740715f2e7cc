/*
 * kmalloc.c: first fit over a ring of free chunks in address order, merged when freed.
 */
#include "kmalloc.h"

#include <stdbool.h>

#include "panic.h"
#include "string.h"

/*
 * Every chunk, free or in use, starts with this header; what the caller gets follows it.
 *
 *     +------+-------+---------------------------+------+-------+----- ...
 *     | size | magic | size - 16 bytes           | size | magic |
 *     +------+-------+---------------------------+------+-------+----- ...
 */
struct chunk {
    size_t size; /* with the header, a multiple of 16 */
    uint64_t magic;
};

#define MAGIC_FREE 0x46524545u
#define MAGIC_USED 0x55534544u

enum { ALIGN = 16, POISON = 0xdd };

static uintptr_t region_start, region_end;

static struct chunk *after(const struct chunk *chunk)
{
    return (struct chunk *)((uintptr_t)chunk + chunk->size);
}

static struct chunk *first(void)
{
    return (struct chunk *)region_start;
}

static bool inside(const struct chunk *chunk)
{
    return (uintptr_t)chunk < region_end;
}

void kmalloc_init(uintptr_t start, uintptr_t end)
{
    region_start = start;
    region_end = end;
    *first() = (struct chunk){.size = end - start, .magic = MAGIC_FREE};
}

/* Take the free chunks that follow a free chunk into it. */
static void merge(struct chunk *chunk)
{
    while (inside(after(chunk)) && after(chunk)->magic == MAGIC_FREE)
        chunk->size += after(chunk)->size;
}

void *kmalloc(size_t size)
{
    if (size > region_end - region_start)
        return NULL;
    size = sizeof(struct chunk) + ((size + ALIGN - 1) & ~(size_t)(ALIGN - 1));
    for (struct chunk *c = first(); inside(c); c = after(c)) {
        if (c->magic == MAGIC_FREE)
            merge(c);
        else if (c->magic != MAGIC_USED)
            panic("kmalloc: memory before %p was overwritten", (void *)(c + 1));
        if (c->magic != MAGIC_FREE || c->size < size)
            continue;
        if (c->size - size >= 2 * sizeof(struct chunk)) {
            struct chunk *rest = (struct chunk *)((uintptr_t)c + size);
            *rest = (struct chunk){.size = c->size - size, .magic = MAGIC_FREE};
            c->size = size;
        }
        c->magic = MAGIC_USED;
        return memset(c + 1, 0, c->size - sizeof(struct chunk));
    }
    return NULL;
}

void kfree(void *pointer)
{
    if (!pointer)
        return;
    struct chunk *chunk = (struct chunk *)pointer - 1;
    if ((uintptr_t)chunk < region_start || !inside(chunk) || (uintptr_t)pointer % ALIGN != 0 ||
        chunk->magic != MAGIC_USED)
        panic("kfree: %p is not from kmalloc, or was freed before", pointer);
    /* Whoever still looks at it will notice. */
    memset(pointer, POISON, chunk->size - sizeof(struct chunk));
    chunk->magic = MAGIC_FREE;
    merge(chunk);
}

size_t kmalloc_free_bytes(void)
{
    size_t bytes = 0;
    for (struct chunk *c = first(); inside(c); c = after(c))
        if (c->magic == MAGIC_FREE)
            bytes += c->size;
    return bytes;
}
