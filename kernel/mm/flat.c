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

#include "arguments.h"
#include "elf.h"
#include "errno.h"
#include "file.h"
#include "kmalloc.h"
#include "loader.h"
#include "memory.h"
#include "string.h"
#include "task.h"

DEFINE_SLOT(loader);

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

enum { SECTION_RELA = 4, SECTION_ALLOC = 2, R_RISCV_64 = 2, STACK_SIZE = 64 << 10 };

/* Check all segments and find the range of addresses they cover.  Returns 0, or an error as elf_segment(). */
static int measure(const struct elf *elf, struct region *range)
{
    *range = (struct region){UINTPTR_MAX, 0};
    struct elf_segment s;
    int kind;
    for (size_t i = 0; (kind = elf_segment(elf, i, &s)) >= 0; i++) {
        if (kind == 0)
            continue;
        if (s.address + s.memory_size >= UINTPTR_MAX - PAGE_SIZE)
            return -ENOEXEC;
        if (s.address < range->start)
            range->start = page_down(s.address);
        if (s.address + s.memory_size > range->end)
            range->end = page_up(s.address + s.memory_size);
    }
    uint64_t entry = elf->header.entry;
    if (kind != -ENOENT)
        return kind;
    return entry >= range->start && entry < range->end ? 0 : -ENOEXEC;
}

/* Do size bytes at address lie inside range? */
static bool is_inside(struct region range, uint64_t address, uint64_t size)
{
    return address >= range.start && address <= range.end && size <= range.end - address;
}

/*
 * Copy the segments' bytes to their addresses plus displacement.  The file on a disk may have changed since it was
 * measured: what does not lie in range any more is refused.  Returns 0 or an error.
 */
static int copy_segments(const struct elf *elf, struct region range, uint64_t displacement)
{
    struct elf_segment s;
    int kind;
    for (size_t i = 0; (kind = elf_segment(elf, i, &s)) >= 0; i++) {
        if (kind == 0 || s.file_size == 0)
            continue;
        if (!is_inside(range, s.address, s.file_size))
            return -ENOEXEC;
        int error = elf_get(elf, s.offset, (void *)(s.address + displacement), s.file_size);
        if (error)
            return error;
    }
    return kind == -ENOENT ? 0 : kind;
}

/* Read section header number index.  0 or an error. */
static int get_section(const struct elf *elf, uint64_t index, struct elf_section *section)
{
    uint64_t at;
    if (__builtin_add_overflow(elf->header.sections_at, index * sizeof(*section), &at))
        return -ENOEXEC;
    return elf_get(elf, at, section, sizeof(*section));
}

/* Add displacement to every stored address inside range (before displacement).  Returns 0 or an error. */
static int relocate(const struct elf *elf, struct region range, uint64_t displacement)
{
    const struct elf_header *header = &elf->header;
    for (size_t i = 0; i < header->sections; i++) {
        struct elf_section list, target;
        uint64_t end, value;
        int error = get_section(elf, i, &list);
        if (error)
            return error;
        if (list.type != SECTION_RELA)
            continue;
        error = get_section(elf, list.info, &target);
        if (error)
            return error;
        if (!(target.flags & SECTION_ALLOC))
            continue;
        if (__builtin_add_overflow(list.offset, list.size, &end))
            return -ENOEXEC;
        for (uint64_t at = list.offset; end - at >= sizeof(struct elf_relocation);
             at += sizeof(struct elf_relocation)) {
            struct elf_relocation r;
            error = elf_get(elf, at, &r, sizeof(r));
            if (error)
                return error;
            if ((uint32_t)r.info != R_RISCV_64)
                continue;
            if (!is_inside(range, r.address, sizeof(value)))
                return -ENOEXEC;
            memcpy(&value, (void *)(r.address + displacement), sizeof(value));
            if (value == 0)
                continue; /* a weak symbol that nobody defined stays NULL */
            value += displacement;
            memcpy((void *)(r.address + displacement), &value, sizeof(value));
        }
    }
    return 0;
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

/* Place the program and its stack, when the file is open.  Returns 0 or -errno. */
static int place(struct process *process, struct file *file, const struct arguments *arguments)
{
    struct elf elf;
    struct region range;
    int error = elf_open(&elf, file);
    if (!error)
        error = measure(&elf, &range);
    if (error)
        return error;
    size_t size = range.end - range.start, image_size;
    if (size > program_memory.end - program_memory.start)
        return -ENOMEM;
    error = memory_take(size + STACK_SIZE, &process->memory);
    if (error)
        return error;
    void *image;
    uintptr_t top = process->memory.end;
    error = arguments_build(arguments, top, &image, &image_size);
    if (error) {
        flat_unload(process);
        return error;
    }

    uint64_t displacement = process->memory.start - range.start;
    error = copy_segments(&elf, range, displacement);
    if (!error)
        error = relocate(&elf, range, displacement);
    if (error) {
        /* Nobody will ever run what has been copied, so nobody would clear it. */
        memset((void *)process->memory.start, 0, process->memory.end - process->memory.start);
        flat_unload(process);
    } else {
        process->task.user.x[X_SP] = top - image_size;
        memcpy((void *)(top - image_size), image, image_size);
        process->task.user.sepc = elf.header.entry + displacement;
    }
    kfree(image);
    return error;
}

static int flat_load(struct process *process, const char *path, char *const argv[],
                     char *const envp[])
{
    int error;
    struct file *file = file_open(path, &error);
    if (!file)
        return error;
    error = place(process, file, &(struct arguments){argv, envp, NULL});
    file_put(file);

    /* The instructions were written as data: fetches must not find older ones. */
    __asm__ volatile("fence.i" ::: "memory");
    return error;
}

static const struct loader_ops flat_loader = {.load = flat_load, .unload = flat_unload};
PROVIDE(loader, 0, flat_loader);
