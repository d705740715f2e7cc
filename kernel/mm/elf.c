/* elf.c: reading program files. */
#include "elf.h"

#include "errno.h"
#include "file.h"
#include "string.h"

enum { ELF_EXECUTABLE = 2, ELF_RISCV = 243 };

static const uint8_t elf_magic[6] = {0x7f, 'E', 'L', 'F', 2 /* 64 bits */, 1 /* little-endian */};

bool elf_get(const struct elf *elf, uint64_t offset, void *out, size_t size)
{
    return elf->file->ops->read_at(elf->file, out, size, offset) == (long)size;
}

int elf_open(struct elf *elf, struct file *file)
{
    struct elf_header *header = &elf->header;
    elf->file = file;
    bool is_program = elf_get(elf, 0, header, sizeof(*header)) &&
                      memcmp(header->ident, elf_magic, sizeof(elf_magic)) == 0 &&
                      header->type == ELF_EXECUTABLE && header->machine == ELF_RISCV &&
                      header->segment_size == sizeof(struct elf_segment);
    return is_program ? 0 : -ENOEXEC;
}

int elf_segment(const struct elf *elf, size_t index, struct elf_segment *segment)
{
    struct elf_segment *s = segment;
    uint64_t at, end;
    char last;
    if (index >= elf->header.segments)
        return -ENOENT;
    if (__builtin_add_overflow(elf->header.segments_at, index * sizeof(*s), &at) ||
        !elf_get(elf, at, s, sizeof(*s)))
        return -ENOEXEC;
    if (s->type != ELF_SEGMENT_LOAD || s->memory_size == 0)
        return 0;
    if (s->file_size > s->memory_size || __builtin_add_overflow(s->address, s->memory_size, &end))
        return -ENOEXEC;
    /* Its last byte is in the file, so all are. */
    if (s->file_size > 0 &&
        (__builtin_add_overflow(s->offset, s->file_size - 1, &at) || !elf_get(elf, at, &last, 1)))
        return -ENOEXEC;
    return 1;
}
