/*
 * kmalloc.c: chunks with boundary tags, and a list of free ones for each size.
 *
 * A request takes the first chunk of the smallest size that is there and large enough.  Small sizes have a list each,
 * all large ones share the last, which is searched.  A chunk that is freed becomes one with free neighbours; but a
 * small one is kept as it is for the next request of its size, until there is no other memory.
 */
#include "kmalloc.h"

#include <stdbool.h>

#include "list.h"
#include "panic.h"
#include "string.h"

/*
 * Every chunk, free or in use, starts with this header; what the caller gets follows it, or, in a free
 * one, its place in a list.
 *
 *     +------+--------+-------+---------------------------+------+--------+-------+----- ...
 *     | size | before | magic | what the caller gets      | size | before | magic |
 *     +------+--------+-------+---------------------------+------+--------+-------+----- ...
 */
struct chunk {
    uint32_t size;   /* with the header, a multiple of 16 */
    uint32_t before; /* the size of the chunk before, 0 for the first */
    uint64_t magic;
    struct list free; /* of a free chunk only */
};

#define MAGIC_FREE 0x46524545u
#define MAGIC_USED 0x55534544u
#define MAGIC_KEPT 0x4b455054u

enum {
    ALIGN = 16,
    HEADER = offsetof(struct chunk, free),
    CHUNK_MIN = sizeof(struct chunk),
    LISTS = 64, /* chunks of n * ALIGN bytes are in list n, larger ones in the last */
    POISON = 0xdd,
    POISON_MAX = 1280 /* bytes: of a struct all, of a buffer enough */
};

static uintptr_t region_start, region_end;
static struct list free_lists[LISTS];
static uint64_t lists_in_use; /* bit n: list n has a chunk */
static size_t free_bytes;

/* Chunks of n * ALIGN bytes that are free, and not in free_lists: each leads to the one that was freed before it. */
static struct chunk *kept[LISTS - 1];

static struct chunk **kept_before(struct chunk *chunk)
{
    return (struct chunk **)&chunk->free;
}

static struct chunk *chunk_at(uintptr_t address)
{
    return (struct chunk *)address;
}

static struct chunk *after(const struct chunk *chunk)
{
    return chunk_at((uintptr_t)chunk + chunk->size);
}

static bool inside(const struct chunk *chunk)
{
    return (uintptr_t)chunk < region_end;
}

static size_t list_of(size_t size)
{
    return size / ALIGN < LISTS - 1 ? size / ALIGN : LISTS - 1;
}

/* Give a chunk its size, and tell the one behind. */
static void set_size(struct chunk *chunk, size_t size)
{
    chunk->size = (uint32_t)size;
    if (inside(after(chunk)))
        after(chunk)->before = (uint32_t)size;
}

static void link_free(struct chunk *chunk)
{
    size_t n = list_of(chunk->size);
    chunk->magic = MAGIC_FREE;
    list_append(&free_lists[n], &chunk->free);
    lists_in_use |= 1UL << n;
    free_bytes += chunk->size;
}

static void unlink_free(struct chunk *chunk)
{
    size_t n = list_of(chunk->size);
    list_remove(&chunk->free);
    if (list_empty(&free_lists[n]))
        lists_in_use &= ~(1UL << n);
    free_bytes -= chunk->size;
}

void kmalloc_init(uintptr_t start, uintptr_t end)
{
    region_start = start;
    region_end = end;
    for (size_t n = 0; n < LISTS; n++)
        list_init(&free_lists[n]);
    struct chunk *all = chunk_at(start);
    all->before = 0;
    set_size(all, end - start);
    link_free(all);
}

/* A free chunk of at least so many bytes, or NULL. */
static struct chunk *find_free(size_t size)
{
    size_t n = list_of(size);
    uint64_t candidates = lists_in_use & ~((1UL << n) - 1);
    if (candidates == 0)
        return NULL;
    n = (size_t)__builtin_ctzl(candidates);
    struct list *node = free_lists[n].next;
    /* Only in the last list are there chunks that may be too small. */
    while (container_of(node, struct chunk, free)->size < size)
        if ((node = node->next) == &free_lists[n])
            return NULL;
    return container_of(node, struct chunk, free);
}

/* Let a chunk be one with its free neighbours, and free. */
static void release(struct chunk *chunk)
{
    struct chunk *next = after(chunk);
    if (inside(next) && next->magic == MAGIC_FREE) {
        unlink_free(next);
        set_size(chunk, chunk->size + next->size);
    }
    struct chunk *previous = chunk_at((uintptr_t)chunk - chunk->before);
    if (chunk->before > 0 && previous->magic == MAGIC_FREE) {
        chunk->magic = MAGIC_FREE;
        unlink_free(previous);
        set_size(previous, previous->size + chunk->size);
        chunk = previous;
    }
    link_free(chunk);
}

/* Release all that is kept.  False: there was nothing. */
static bool release_kept(void)
{
    bool any = false;
    for (size_t n = 0; n < LISTS - 1; n++) {
        for (struct chunk *chunk; (chunk = kept[n]); any = true) {
            kept[n] = *kept_before(chunk);
            free_bytes -= chunk->size;
            release(chunk);
        }
    }
    return any;
}

/* Cut a chunk that is to be used off one that is larger. */
static void cut(struct chunk *chunk, size_t size)
{
    if (chunk->size - size < CHUNK_MIN)
        return;
    size_t rest = chunk->size - size;
    set_size(chunk, size);
    after(chunk)->before = (uint32_t)size;
    set_size(after(chunk), rest);
    link_free(after(chunk));
}

void *kmalloc(size_t size)
{
    if (size > region_end - region_start)
        return NULL;
    size = HEADER + ((size + ALIGN - 1) & ~(size_t)(ALIGN - 1));
    size = size < CHUNK_MIN ? (size_t)CHUNK_MIN : size;
    size_t n = list_of(size);
    struct chunk *chunk = n < LISTS - 1 ? kept[n] : NULL;
    if (chunk) {
        kept[n] = *kept_before(chunk);
        free_bytes -= size;
    } else {
        chunk = find_free(size);
        if (!chunk && release_kept())
            chunk = find_free(size);
        if (!chunk)
            return NULL;
        unlink_free(chunk);
    }
    if (chunk->magic != MAGIC_FREE && chunk->magic != MAGIC_KEPT)
        panic("kmalloc: memory before %p was overwritten", (void *)((uintptr_t)chunk + HEADER));
    cut(chunk, size);
    chunk->magic = MAGIC_USED;
    return memset(&chunk->free, 0, chunk->size - HEADER);
}

void kfree(void *pointer)
{
    if (!pointer)
        return;
    struct chunk *chunk = chunk_at((uintptr_t)pointer - HEADER);
    if ((uintptr_t)chunk < region_start || !inside(chunk) || (uintptr_t)pointer % ALIGN != 0 ||
        chunk->magic != MAGIC_USED)
        panic("kfree: %p is not from kmalloc, or was freed before", pointer);
    const struct chunk *next = after(chunk);
    if (inside(next) &&
        (next->before != chunk->size ||
         (next->magic != MAGIC_FREE && next->magic != MAGIC_USED && next->magic != MAGIC_KEPT)))
        panic("kfree: memory behind %p was overwritten", pointer);
    /* Whoever still looks at it will notice. */
    size_t size = chunk->size - HEADER, n = list_of(chunk->size);
    memset(pointer, POISON, size < POISON_MAX ? size : POISON_MAX);
    if (n == LISTS - 1) {
        release(chunk);
        return;
    }
    chunk->magic = MAGIC_KEPT;
    *kept_before(chunk) = kept[n];
    kept[n] = chunk;
    free_bytes += chunk->size;
}

size_t kmalloc_free_bytes(void)
{
    return free_bytes;
}
