/* elf.c: reading program files. */
#include "elf.h"

#include <stdbool.h>

#include "errno.h"
#include "file.h"
#include "string.h"

enum { ELF_EXECUTABLE = 2, ELF_RISCV = 243 };

static const uint8_t elf_magic[6] = {0x7f, 'E', 'L', 'F', 2 /* 64 bits */, 1 /* little-endian */};

int elf_get(const struct elf *elf, uint64_t offset, void *out, size_t size)
{
    uint64_t end;
    if (__builtin_add_overflow(offset, size, &end) || end > INT64_MAX)
        return -ENOEXEC;
    long count = elf->file->ops->read_at(elf->file, out, size, offset);
    if (count < 0)
        return (int)count;
    return (size_t)count == size ? 0 : -ENOEXEC;
}

/* Read program header number index, whatever its type.  0, -ENOENT when there are no more, or as elf_get(). */
static int read_segment(const struct elf *elf, size_t index, struct elf_segment *segment)
{
    uint64_t at;
    if (index >= elf->header.segments)
        return -ENOENT;
    if (__builtin_add_overflow(elf->header.segments_at, index * sizeof(*segment), &at))
        return -ENOEXEC;
    return elf_get(elf, at, segment, sizeof(*segment));
}

/* 0, or -ENOENT for a program that wants an interpreter: no interpreter can be loaded here. */
static int check_interpreter(const struct elf *elf)
{
    struct elf_segment segment;
    int error;
    for (size_t i = 0; (error = read_segment(elf, i, &segment)) == 0; i++)
        if (segment.type == ELF_SEGMENT_INTERPRETER)
            return -ENOENT;
    return error == -ENOENT ? 0 : error;
}

int elf_open(struct elf *elf, struct file *file)
{
    struct elf_header *header = &elf->header;
    elf->file = file;
    int error = elf_get(elf, 0, header, sizeof(*header));
    if (error)
        return error;
    bool is_program = memcmp(header->ident, elf_magic, sizeof(elf_magic)) == 0 &&
                      header->type == ELF_EXECUTABLE && header->machine == ELF_RISCV &&
                      header->segment_size == sizeof(struct elf_segment);
    return is_program ? check_interpreter(elf) : -ENOEXEC;
}

int elf_segment(const struct elf *elf, size_t index, struct elf_segment *segment)
{
    struct elf_segment *s = segment;
    uint64_t end;
    char last;
    int error = read_segment(elf, index, s);
    if (error)
        return error;
    if (s->type != ELF_SEGMENT_LOAD || s->memory_size == 0)
        return 0;
    if (s->file_size > s->memory_size || __builtin_add_overflow(s->address, s->memory_size, &end))
        return -ENOEXEC;
    if (s->file_size == 0) {
        s->offset = s->address;
        return 1;
    }
    if (__builtin_add_overflow(s->offset, s->file_size - 1, &end))
        return -ENOEXEC;
    /* Its last byte is in the file, so all are. */
    error = elf_get(elf, end, &last, 1);
    return error ? error : 1;
}
