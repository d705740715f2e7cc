/*
 * flat.c: the loader of labs 1 and 2, which have no paging.
 *
 * A program is linked for one address and lands on another.  Its code finds everything relative to
 * the pc, so that only stored addresses are wrong.  The linker kept a relocation for each of them
 * (option -q), and the loader adds the displacement, where the program is minus where it was linked.
 *
 *      process->memory.start                                                  .end
 *      +--------------------------------------+------------------------------+
 *      | text, rodata, data, bss              | stack        <-- argc, argv  |
 *      +--------------------------------------+------------------------------+
 *
 * Source: ELF-64 Object File Format 1.5; RISC-V ELF psABI, "Relocations".
 */
#include <stdbool.h>
#include <stdint.h>

#include "cpio.h"
#include "errno.h"
#include "kmalloc.h"
#include "loader.h"
#include "memory.h"
#include "string.h"
#include "task.h"

DEFINE_SLOT(loader);

struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, segments_at, sections_at;
    uint32_t flags;
    uint16_t size, segment_size, segments, section_size, sections, names;
};

struct elf_segment {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_size, memory_size, align;
};

struct elf_section {
    uint32_t name, type;
    uint64_t flags, address, offset, size;
    uint32_t link, info;
    uint64_t align, entry_size;
};

struct elf_relocation {
    uint64_t address, info;
    int64_t addend;
};

enum {
    ELF_EXECUTABLE = 2,
    ELF_RISCV = 243,
    SEGMENT_LOAD = 1,
    SECTION_RELA = 4,
    SECTION_ALLOC = 2,
    R_RISCV_64 = 2,
    ARGUMENTS_MAX = 4096,
    STACK_SIZE = 64 << 10,
};

static const uint8_t elf_magic[6] = {0x7f, 'E', 'L', 'F', 2 /* 64 bits */, 1 /* little-endian */};

/* A program file: its bytes, not aligned to more than 4. */
struct image {
    const uint8_t *bytes;
    size_t size;
};

/* Copy a struct out of the image; false when it does not lie inside. */
static bool image_get(const struct image *image, uint64_t offset, void *out, size_t size)
{
    if (offset > image->size || image->size - offset < size)
        return false;
    memcpy(out, image->bytes + offset, size);
    return true;
}

static bool header_get(const struct image *image, struct elf_header *header)
{
    return image_get(image, 0, header, sizeof(*header)) &&
           memcmp(header->ident, elf_magic, sizeof(elf_magic)) == 0 &&
           header->type == ELF_EXECUTABLE && header->machine == ELF_RISCV &&
           header->segment_size == sizeof(struct elf_segment);
}

static bool segment_get(const struct image *image, const struct elf_header *header, size_t i,
                        struct elf_segment *segment)
{
    return image_get(image, header->segments_at + i * sizeof(*segment), segment, sizeof(*segment));
}

/* Check all segments and find the range of addresses they cover.  Returns 0 or -ENOEXEC. */
static int measure(const struct image *image, const struct elf_header *header, struct region *range)
{
    *range = (struct region){UINTPTR_MAX, 0};
    for (size_t i = 0; i < header->segments; i++) {
        struct elf_segment s;
        if (!segment_get(image, header, i, &s))
            return -ENOEXEC;
        if (s.type != SEGMENT_LOAD || s.memory_size == 0)
            continue;
        bool fits = s.file_size <= s.memory_size && s.offset <= image->size &&
                    s.file_size <= image->size - s.offset &&
                    s.address + s.memory_size > s.address &&
                    s.address + s.memory_size < UINTPTR_MAX - PAGE_SIZE;
        if (!fits)
            return -ENOEXEC;
        if (s.address < range->start)
            range->start = page_down(s.address);
        if (s.address + s.memory_size > range->end)
            range->end = page_up(s.address + s.memory_size);
    }
    bool entry_inside = header->entry >= range->start && header->entry < range->end;
    return entry_inside ? 0 : -ENOEXEC;
}

/* Copy the segments' bytes to their addresses plus displacement. */
static void copy_segments(const struct image *image, const struct elf_header *header,
                          uint64_t displacement)
{
    for (size_t i = 0; i < header->segments; i++) {
        struct elf_segment s;
        if (segment_get(image, header, i, &s) && s.type == SEGMENT_LOAD)
            memcpy((void *)(s.address + displacement), image->bytes + s.offset, s.file_size);
    }
}

/* Add displacement to every stored address inside range (before displacement). */
static int relocate(const struct image *image, const struct elf_header *header, struct region range,
                    uint64_t displacement)
{
    for (size_t i = 0; i < header->sections; i++) {
        struct elf_section list, target;
        if (!image_get(image, header->sections_at + i * sizeof(list), &list, sizeof(list)))
            return -ENOEXEC;
        if (list.type != SECTION_RELA)
            continue;
        if (!image_get(image, header->sections_at + list.info * sizeof(target), &target,
                       sizeof(target)))
            return -ENOEXEC;
        if (!(target.flags & SECTION_ALLOC))
            continue;
        for (uint64_t at = 0; at + sizeof(struct elf_relocation) <= list.size;
             at += sizeof(struct elf_relocation)) {
            struct elf_relocation r;
            if (!image_get(image, list.offset + at, &r, sizeof(r)))
                return -ENOEXEC;
            if ((uint32_t)r.info != R_RISCV_64)
                continue;
            if (r.address < range.start || range.end - r.address < sizeof(uint64_t))
                return -ENOEXEC;
            uint64_t value;
            memcpy(&value, (void *)(r.address + displacement), sizeof(value));
            if (value == 0)
                continue; /* a weak symbol that nobody defined stays NULL */
            value += displacement;
            memcpy((void *)(r.address + displacement), &value, sizeof(value));
        }
    }
    return 0;
}

/* How many strings a vector has; adds their sizes to *bytes. */
static size_t vector_count(char *const vector[], size_t *bytes)
{
    size_t count = 0;
    for (; vector[count]; count++)
        *bytes += strlen(vector[count]) + 1;
    return count;
}

/* 64-bit words on the stack for so many strings: argc, two vectors with NULL, AT_NULL. */
static size_t argument_words(size_t strings)
{
    return 1 + strings + 2 + 2;
}

/* Bytes on the stack for these vectors and their strings. */
static size_t arguments_size(char *const argv[], char *const envp[])
{
    size_t bytes = 0;
    size_t strings = vector_count(argv, &bytes) + vector_count(envp, &bytes);
    return bytes + argument_words(strings) * sizeof(uint64_t);
}

/*
 * Lay out argc, argv, envp and an empty auxiliary vector below top, as the psABI asks for.
 * Returns the initial stack pointer, 16-byte aligned.
 */
static uintptr_t lay_out_arguments(uintptr_t top, char *const argv[], char *const envp[])
{
    size_t bytes = 0;
    char *const *const vectors[2] = {argv, envp};
    size_t counts[2];
    for (int v = 0; v < 2; v++)
        counts[v] = vector_count(vectors[v], &bytes);
    size_t words = argument_words(counts[0] + counts[1]);

    char *string = (char *)(top - bytes);
    uintptr_t sp = ((uintptr_t)string - words * sizeof(uint64_t)) & ~(uintptr_t)15;
    uint64_t *word = (uint64_t *)sp;
    *word++ = counts[0];
    for (int v = 0; v < 2; v++) {
        for (size_t i = 0; i < counts[v]; i++) {
            size_t size = strlen(vectors[v][i]) + 1;
            memcpy(string, vectors[v][i], size);
            *word++ = (uintptr_t)string;
            string += size;
        }
        *word++ = 0;
    }
    *word++ = 0; /* AT_NULL */
    *word++ = 0;
    return sp;
}

/* The memory in use, in address order. */
struct extent {
    struct list node;
    struct region region;
};
static struct list extents = LIST_INIT(extents);

/* Find and take the first gap of size bytes in program_memory.  Returns 0 or -ENOMEM. */
static int memory_take(size_t size, struct region *out)
{
    uintptr_t start = program_memory.start;
    struct list *next = extents.next;
    for (; next != &extents; next = next->next) {
        struct region used = container_of(next, struct extent, node)->region;
        if (used.start - start >= size)
            break;
        start = used.end;
    }
    if (program_memory.end - start < size)
        return -ENOMEM;
    struct extent *extent = kmalloc(sizeof(*extent));
    if (!extent)
        return -ENOMEM;
    extent->region = *out = (struct region){start, start + size};
    list_append(next, &extent->node); /* in the ring, "last" before next */
    return 0;
}

static void flat_unload(struct process *process)
{
    for (struct list *l = extents.next; l != &extents; l = l->next) {
        struct extent *extent = container_of(l, struct extent, node);
        if (extent->region.start != process->memory.start)
            continue;
        list_remove(l);
        kfree(extent);
        break;
    }
    process->memory = (struct region){0, 0};
}

static int flat_load(struct process *process, const char *path, char *const argv[],
                     char *const envp[])
{
    struct cpio_file file;
    if (!cpio_find(path, &file))
        return -ENOENT;
    struct image image = {file.data, file.size};
    struct elf_header header;
    struct region range;
    if (!header_get(&image, &header) || measure(&image, &header, &range) != 0)
        return -ENOEXEC;
    size_t size = range.end - range.start;
    if (size > program_memory.end - program_memory.start)
        return -ENOMEM;
    if (arguments_size(argv, envp) > ARGUMENTS_MAX)
        return -E2BIG;
    int error = memory_take(size + STACK_SIZE, &process->memory);
    if (error)
        return error;

    uint64_t displacement = process->memory.start - range.start;
    copy_segments(&image, &header, displacement);
    error = relocate(&image, &header, range, displacement);
    if (error) {
        /* Nobody will ever run what has been copied, so nobody would clear it. */
        memset((void *)process->memory.start, 0, process->memory.end - process->memory.start);
        flat_unload(process);
        return error;
    }
    process->task.user.x[X_SP] = lay_out_arguments(process->memory.end, argv, envp);
    process->task.user.sepc = header.entry + displacement;

    /* The instructions were written as data: fetches must not find older ones. */
    __asm__ volatile("fence.i" ::: "memory");
    return 0;
}

static const struct loader_ops flat_loader = {.load = flat_load, .unload = flat_unload};
PROVIDE(loader, 0, flat_loader);
