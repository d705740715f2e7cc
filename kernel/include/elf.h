/*
 * elf.h: reading program files.
 *
 * Source: ELF-64 Object File Format 1.5.
 */
#ifndef ELF_H
#define ELF_H

#include <stddef.h>
#include <stdint.h>

struct file;

/* The ELF header, as in the file. */
struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, segments_at, sections_at;
    uint32_t flags;
    uint16_t size, segment_size, segments, section_size, sections, names;
};

/* A program header, as in the file. */
struct elf_segment {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_size, memory_size, align;
};

enum { ELF_SEGMENT_LOAD = 1, ELF_SEGMENT_INTERPRETER = 3 }; /* type */
enum { ELF_EXECUTE = 1, ELF_WRITE = 2, ELF_READ = 4 };      /* flags */

/* An opened program file; the file is the caller's. */
struct elf {
    struct file *file;
    struct elf_header header;
};

/*
 * Read and check the header.
 *
 * Returns 0; -ENOEXEC: not a 64-bit RISC-V executable; -ENOENT: a dynamically linked program, which names an
 * interpreter (PT_INTERP) that this machine does not have; -EIO or -ENOMEM: the file cannot be read.
 */
int elf_open(struct elf *elf, struct file *file);

/*
 * Read program header number index, if it is one to be loaded.
 *
 * Returns 1; 0 for one that needs no memory; -ENOENT when there are no more; -ENOEXEC when it makes
 * no sense: its bytes are not in the file, they are more than it has in memory, or its end is
 * beyond 64 bits; -EIO or -ENOMEM: the file cannot be read.  Where it lies, and whether it overlaps others, is not
 * checked.
 *
 * A segment without bytes in the file (file_size 0) gets its address as offset: no place in the file is meant.
 */
int elf_segment(const struct elf *elf, size_t index, struct elf_segment *segment);

/* Copy size bytes at offset out of the file.  Returns 0; -ENOEXEC when they do not lie inside; -EIO or -ENOMEM. */
int elf_get(const struct elf *elf, uint64_t offset, void *out, size_t size);

#endif
