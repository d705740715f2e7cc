/* probes.h: the probes of lab 5, and what they share. */
#ifndef PROBES_H
#define PROBES_H

#include "file.h"
#include "mmap.h"
#include "probe.h"
#include "scarce.h"
#include "syscall.h"
#include "task.h"

#define RW_U (PROT_USER | PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

/* A process that no loader knows, with an empty space: its task is the one that runs. */
extern struct process probe_process;
void probe_new_space(void);

/* Make a system call for it. */
long probe_call(unsigned number, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                uint64_t a5);

/* While these are true unmap_range() returns -ENOMEM, and find_unmapped_area() finds nothing. */
extern bool probe_cannot_unmap, probe_no_place;

/* Unless `replaced`, mmap() has the backends for files as they are; else these. */
extern struct probe_backends {
    bool replaced;
    const struct backend *private, *shared;
} probe_backends;

/* What a call returned, to be shown: "-22 (EINVAL)", or a number.  Valid until the next. */
const char *probe_answer(long result);

/* mmap(), munmap(), mprotect(), of whole pages, that must work.  probe_map() returns where. */
uint64_t probe_map(uint64_t address, uint64_t pages, unsigned prot, unsigned flags, uint64_t fd,
                   uint64_t offset);
void probe_unmap(uint64_t address, uint64_t pages);
void probe_protect(uint64_t address, uint64_t pages, unsigned prot);

/* Touch a page as a program does; what fault() says. */
long probe_touch(uint64_t va, enum access access);

/* Where the byte at va is in memory; the page must be there. */
uint8_t *probe_byte(uint64_t va);

/* What the CPU does when the program stores a byte, its page being there and writable: D and A are set. */
void probe_cpu_stores(uint64_t va, uint8_t value);

/* "0x1000-0x3000 rw-u anonymous, …": the areas of the probe's space, neighbours that go on together. */
const char *probe_areas(void);

/* How many areas lie in [start, end), neighbours that only go on counted as one. */
size_t probe_coalesced(uint64_t start, uint64_t end);

/*
 * A file that lies in frames of its own and counts what is done with it.  Its bytes say where they stand, and the
 * rest of its last page is zero.  A probe may set its size to more than its frames: then they come again and again.
 */
enum { FAKE_PAGES = 48, FAKE_FD = 5 };
struct fake_file {
    struct file file;
    uint64_t size;
    uintptr_t frames[FAKE_PAGES];
    uint8_t
        stored[FAKE_PAGES]; /* the first byte of each page as it was last written to the "disk" */
    unsigned reads, pages, writes, syncs, closes;
    uint64_t last_offset, last_size; /* of the last write_at() */
    uint64_t bytes;                  /* of all of them */
    long result;                     /* what read_at() and write_at() return instead, unless 0 */
    void (*on_write)(uint64_t index);
};
extern struct fake_file fake;

/* Make it anew, of so many bytes, opened with these flags, and open as FAKE_FD.  Its frames are not the probe's. */
void fake_open(uint64_t size, unsigned flags);
uint8_t fake_byte(uint64_t offset);

/* Where the file's byte at this offset is. */
uint8_t *fake_at(uint64_t offset);

void rules_errors(unsigned long argument);
void rules_request(unsigned long argument);
void rules_find(unsigned long argument);
void rules_random(unsigned long argument);
void mmap_anonymous(unsigned long argument);
void mmap_populate(unsigned long argument);
void mmap_kinds(unsigned long argument);
void mmap_memory(unsigned long argument);
void mapped_content(unsigned long argument);
void mapped_errors(unsigned long argument);
void mapped_populate(unsigned long argument);
void unmap_cuts(unsigned long argument);
void unmap_fixed(unsigned long argument);
void unmap_many(unsigned long argument);
void random_mappings(unsigned long argument);
void shared_frames(unsigned long argument);
void shared_writes(unsigned long argument);
void shared_copies(unsigned long argument);
void shared_end(unsigned long argument);
void shared_anonymous(unsigned long argument);
void shared_msync(unsigned long argument);
void protect_pages(unsigned long argument);
void protect_cuts(unsigned long argument);
void protect_errors(unsigned long argument);
void protect_shortage(unsigned long argument);
void remap_moves(unsigned long argument);
void remap_memory(unsigned long argument);
void mmap_sweep(unsigned long argument);
void figures(unsigned long argument);

#endif
