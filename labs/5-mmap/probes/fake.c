/* fake.c: what the probes of lab 5 share: a process, system calls, a file that counts. */
#include "errno.h"
#include "frame.h"
#include "kmalloc.h"
#include "memory.h"
#include "probes.h"
#include "string.h"

struct process probe_process = {.name = "probe"};
static struct space space;

void probe_new_space(void)
{
    space = (struct space){0};
    area_set_init(&space.areas);
    PROBE_CHECK(page_table->create(&space.table) == 0, "no memory for a page table");
    probe_process.task.process = &probe_process;
    probe_process.task.dying = false;
    probe_process.space = &space;
    probe_process.memory = (struct region){0, USER_END};
}

long probe_call(unsigned number, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                uint64_t a5)
{
    const uint64_t args[6] = {a0, a1, a2, a3, a4, a5};
    PROBE_CHECK(syscall_table[number], "there is no system call number %u", number);
    return syscall_table[number](&probe_process.task, args);
}

const char *probe_answer(long result)
{
    static char text[48];
    if (result < 0)
        snprintf(text, sizeof(text), "%ld (%s)", result, errno_name(result));
    else
        snprintf(text, sizeof(text), "0x%lx", (uint64_t)result);
    return text;
}

uint64_t probe_map(uint64_t address, uint64_t pages, unsigned prot, unsigned flags, uint64_t fd,
                   uint64_t offset)
{
    long result = probe_call(SYS_MMAP, address, pages * PAGE_SIZE, prot, flags, fd, offset);
    PROBE_CHECK(result > 0 && result % PAGE_SIZE == 0,
                "mmap(0x%lx, 0x%lx, %s, 0x%x, %ld, 0x%lx) returned %s", address, pages * PAGE_SIZE,
                probe_prot(prot), flags, (long)fd, offset, probe_answer(result));
    return (uint64_t)result;
}

void probe_unmap(uint64_t address, uint64_t pages)
{
    long result = probe_call(SYS_MUNMAP, address, pages * PAGE_SIZE, 0, 0, 0, 0);
    PROBE_CHECK(result == 0, "munmap(0x%lx, 0x%lx) returned %s", address, pages * PAGE_SIZE,
                probe_answer(result));
}

void probe_protect(uint64_t address, uint64_t pages, unsigned prot)
{
    long result = probe_call(SYS_MPROTECT, address, pages * PAGE_SIZE, prot, 0, 0, 0);
    PROBE_CHECK(result == 0, "mprotect(0x%lx, 0x%lx, %s) returned %s", address, pages * PAGE_SIZE,
                probe_prot(prot), probe_answer(result));
}

long probe_touch(uint64_t va, enum access access)
{
    return space_fault->fault(&space, va, access);
}

uint8_t *probe_byte(uint64_t va)
{
    uint64_t pte = probe_leaf(&space.table, va);
    PROBE_CHECK(pte, "the page at 0x%lx is not there", va);
    return (uint8_t *)pte_frame(pte) + va % PAGE_SIZE;
}

void probe_cpu_stores(uint64_t va, uint8_t value)
{
    uint64_t *entries = (uint64_t *)space.table.root;
    for (int level = TABLE_LEVELS - 1; level > 0; level--)
        entries = (uint64_t *)pte_frame(entries[va >> (12 + 9 * level) & (TABLE_ENTRIES - 1)]);
    uint64_t *pte = &entries[va >> 12 & (TABLE_ENTRIES - 1)];
    PROBE_CHECK(*pte & PTE_W, "the page at 0x%lx cannot be written", va);
    *pte |= PTE_D | PTE_A;
    *probe_byte(va) = value;
}

/* Does area b go on where area a ends? */
static bool goes_on(const struct area *a, const struct area *b)
{
    return a->end == b->start && a->prot == b->prot && a->backend == b->backend &&
           a->shared == b->shared &&
           (a->file == b->file && (!a->file || a->offset + (a->end - a->start) == b->offset));
}

const char *probe_areas(void)
{
    static char text[200];
    size_t length = 0;
    const struct area *area = NULL, *next;
    text[0] = '\0';
    while ((area = area_next(&space.areas, area)) && length < sizeof(text)) {
        uint64_t start = area->start;
        while ((next = area_next(&space.areas, area)) && goes_on(area, next))
            area = next;
        length += snprintf(text + length, sizeof(text) - length, "%s0x%lx-0x%lx %s %s",
                           length ? ", " : "", start, area->end, probe_prot(area->prot),
                           area->backend->name);
    }
    return text;
}

size_t probe_coalesced(uint64_t start, uint64_t end)
{
    size_t count = 0;
    const struct area *area = NULL, *last = NULL;
    while ((area = area_next(&space.areas, area))) {
        if (area->start < end && area->end > start && !(last && goes_on(last, area)))
            count++;
        last = area;
    }
    return count;
}

struct fake_file fake;

uint8_t fake_byte(uint64_t offset)
{
    return (uint8_t)(offset * 37 + offset / 241 + 3);
}

uint8_t *fake_at(uint64_t offset)
{
    return (uint8_t *)fake.frames[offset / PAGE_SIZE % FAKE_PAGES] + offset % PAGE_SIZE;
}

/* How many of size bytes at an offset lie in its page. */
static size_t piece_of_page(uint64_t offset, size_t size)
{
    size_t left = PAGE_SIZE - offset % PAGE_SIZE;
    return size < left ? size : left;
}

static long fake_read_at(struct file *file, void *buffer, size_t size, uint64_t offset)
{
    (void)file;
    fake.reads++;
    if (fake.result)
        return fake.result;
    if (offset >= fake.size)
        return 0;
    size = size < fake.size - offset ? size : fake.size - offset;
    for (size_t done = 0, part; done < size; done += part) {
        part = piece_of_page(offset + done, size - done);
        memcpy((uint8_t *)buffer + done, fake_at(offset + done), part);
    }
    return (long)size;
}

static long fake_read(struct file *file, void *buffer, size_t size)
{
    long count = fake_read_at(file, buffer, size, file->position);
    file->position += count > 0 ? (uint64_t)count : 0;
    return count;
}

static long fake_write_at(struct file *file, const void *buffer, size_t size, uint64_t offset)
{
    (void)file;
    fake.writes++, fake.bytes += size;
    fake.last_offset = offset, fake.last_size = size;
    PROBE_CHECK(offset + size > offset &&
                    (offset + size <= FAKE_PAGES * PAGE_SIZE || offset + size <= fake.size),
                "write_at() is asked for 0x%lx bytes at 0x%lx of a file of 0x%lx", size, offset,
                fake.size);
    for (uint64_t index = offset / PAGE_SIZE; index <= (offset + size - 1) / PAGE_SIZE; index++)
        if (fake.on_write)
            fake.on_write(index);
    if (fake.result)
        return fake.result;
    if (offset + size > fake.size)
        fake.size = offset + size;
    for (size_t done = 0, part; done < size; done += part) {
        const uint8_t *from = (const uint8_t *)buffer + done;
        part = piece_of_page(offset + done, size - done);
        memcpy(fake_at(offset + done), from, part);
        if ((offset + done) % PAGE_SIZE == 0)
            fake.stored[(offset + done) / PAGE_SIZE % FAKE_PAGES] = *from;
    }
    return (long)size;
}

static long fake_write(struct file *file, const void *buffer, size_t size)
{
    long count = fake_write_at(file, buffer, size, file->position);
    file->position += count > 0 ? (uint64_t)count : 0;
    return count;
}

static uint64_t fake_size(const struct file *file)
{
    (void)file;
    return fake.size;
}

static int fake_page(struct file *file, uint64_t offset, uintptr_t *frame)
{
    (void)file;
    fake.pages++;
    PROBE_CHECK(offset % PAGE_SIZE == 0, "page() is asked for offset 0x%lx, inside a page", offset);
    if (fake.result || offset >= fake.size)
        return -EIO;
    *frame = fake.frames[offset / PAGE_SIZE % FAKE_PAGES];
    frame_get(*frame);
    return 0;
}

static int fake_sync(struct file *file)
{
    (void)file;
    fake.syncs++;
    return 0;
}

static void fake_close(struct file *file)
{
    (void)file;
    fake.closes++;
}

static const struct file_ops fake_ops = {
    .read = fake_read,
    .write = fake_write,
    .read_at = fake_read_at,
    .write_at = fake_write_at,
    .size = fake_size,
    .page = fake_page,
    .sync = fake_sync,
    .close = fake_close,
};

void fake_open(uint64_t size, unsigned flags)
{
    long before = probe_frames;
    uintptr_t frames[FAKE_PAGES];
    for (int i = 0; i < FAKE_PAGES; i++) {
        frames[i] = fake.frames[i] ? fake.frames[i] : frame_alloc();
        PROBE_CHECK(frames[i], "no frame for the file of a probe");
        memset((void *)frames[i], 0, PAGE_SIZE);
    }
    probe_frames = before;
    fake = (struct fake_file){
        .file = {.ops = &fake_ops, .references = 2, .flags = flags},
        .size = size,
    };
    memcpy(fake.frames, frames, sizeof(frames));
    for (uint64_t i = 0; i < size; i++)
        ((uint8_t *)frames[i / PAGE_SIZE])[i % PAGE_SIZE] = fake_byte(i);
    for (int i = 0; i < FAKE_PAGES; i++)
        fake.stored[i] = *(uint8_t *)frames[i];
    probe_process.files[FAKE_FD] = &fake.file;
}
