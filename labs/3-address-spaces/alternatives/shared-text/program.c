/* 3.5: programs that run the same file share the pages that they cannot write. */
#include "arguments.h"
#include "elf.h"
#include "errno.h"
#include "file.h"
#include "frame.h"
#include "kmalloc.h"
#include "loader.h"
#include "memory.h"
#include "space.h"
#include "string.h"
#include "task.h"

/* A page of a file that programs share: size bytes from offset on, then zeros. */
struct shared {
    struct shared *next;
    uint64_t offset;
    size_t size;
    uintptr_t frame; /* with a reference of our own */
};

/*
 * A program file that somebody runs, as a file: each area made from it has a reference, and with
 * the last one the image goes, and so do its frames.
 */
enum { BUCKETS = 32 };
struct image {
    struct file file;
    struct file *archived;
    struct list node;
    struct shared *shared[BUCKETS];
    char path[];
};
static struct list images = LIST_INIT(images);

static struct image *image_of(struct file *file)
{
    return container_of(file, struct image, file);
}

static long image_read(struct file *file, void *buffer, size_t size)
{
    struct file *archived = image_of(file)->archived;
    return archived->ops->read(archived, buffer, size);
}

static long image_write(struct file *file, const void *buffer, size_t size)
{
    struct file *archived = image_of(file)->archived;
    return archived->ops->write(archived, buffer, size);
}

static long image_read_at(struct file *file, void *buffer, size_t size, uint64_t offset)
{
    struct file *archived = image_of(file)->archived;
    return archived->ops->read_at(archived, buffer, size, offset);
}

static void image_close(struct file *file)
{
    struct image *image = image_of(file);
    for (size_t i = 0; i < BUCKETS; i++)
        while (image->shared[i]) {
            struct shared *page = image->shared[i];
            image->shared[i] = page->next;
            frame_put(page->frame);
            kfree(page);
        }
    list_remove(&image->node);
    file_put(image->archived);
    kfree(image);
}

static const struct file_ops image_ops = {image_read, image_write, image_read_at, image_close};

/* The image of the file with this path; the caller owns a reference.  NULL, and *error. */
static struct file *image_open(const char *path, int *error)
{
    for (struct list *node = images.next; node != &images; node = node->next) {
        struct image *image = container_of(node, struct image, node);
        if (strcmp(image->path, path) == 0) {
            image->file.references++;
            return &image->file;
        }
    }
    struct file *archived = file_open(path, error);
    if (!archived)
        return NULL;
    struct image *image = kmalloc(sizeof(*image) + strlen(path) + 1);
    if (!image) {
        file_put(archived);
        *error = -ENOMEM;
        return NULL;
    }
    image->file = (struct file){&image_ops, 1};
    image->archived = archived;
    list_append(&images, &image->node);
    memcpy(image->path, path, strlen(path) + 1);
    return &image->file;
}

/* The page with these bytes of the file, from now on if not before.  Returns 0, -ENOMEM or -EIO. */
static int share(struct image *image, uint64_t offset, size_t size, const struct shared **found)
{
    struct shared **bucket = &image->shared[offset / PAGE_SIZE % BUCKETS];
    for (const struct shared *page = *bucket; page; page = page->next)
        if (page->offset == offset && page->size == size) {
            *found = page;
            return 0;
        }
    struct shared *page = kmalloc(sizeof(*page));
    uintptr_t frame = page ? frame_alloc() : 0;
    if (!frame) {
        kfree(page);
        return -ENOMEM;
    }
    if (image_read_at(&image->file, (void *)frame, size, offset) != (long)size) {
        frame_put(frame);
        kfree(page);
        return -EIO;
    }
    *page = (struct shared){*bucket, offset, size, frame};
    *found = *bucket = page;
    return 0;
}

/* How many bytes of its page at va an area has from its file. */
static size_t from_file(const struct area *area, uint64_t va)
{
    uint64_t at = va - area->start;
    uint64_t rest = area->file_size > at ? area->file_size - at : 0;
    return rest < PAGE_SIZE ? rest : PAGE_SIZE;
}

static int shared_fill(struct space *space, const struct area *area, uint64_t va)
{
    size_t size = from_file(area, va);
    if (size == 0)
        return spaces->anonymous->fill(space, area, va);
    const struct shared *page;
    int error = share(image_of(area->file), area->offset + (va - area->start), size, &page);
    if (error)
        return error;
    error = page_table->map(&space->table, va, page->frame, area->prot);
    if (!error)
        frame_get(page->frame);
    return error;
}

static int private_fill(struct space *space, const struct area *area, uint64_t va)
{
    size_t size = from_file(area, va);
    int error = spaces->anonymous->fill(space, area, va);
    if (!error && size > 0) {
        void *page = (void *)pte_frame(page_table->find(&space->table, va));
        if (image_read_at(area->file, page, size, area->offset + (va - area->start)) !=
            (long)size) {
            spaces->anonymous->drop(space, area, va, va + PAGE_SIZE);
            error = -EIO;
        }
    }
    return error;
}

static void drop(struct space *space, const struct area *area, uint64_t start, uint64_t end)
{
    spaces->anonymous->drop(space, area, start, end);
}

static const struct backend shared_segment = {
    .name = "shared segment", .fill = shared_fill, .drop = drop};
static const struct backend private_segment = {
    .name = "private segment", .fill = private_fill, .drop = drop};

/* Two areas at one place: a file that makes no sense. */
static int map(struct space *space, const struct area *area)
{
    int error = spaces->map(space, area);
    return error == -EEXIST ? -ENOEXEC : error;
}

static int map_segment(struct space *space, struct file *file, const struct elf_segment *s)
{
    uint64_t lead = s->address % PAGE_SIZE, end = s->address + s->memory_size;
    if (end > USER_END || s->offset % PAGE_SIZE != lead)
        return -ENOEXEC;
    return map(space, &(struct area){
                          .start = page_down(s->address),
                          .end = page_up(end),
                          .prot = PROT_USER | (s->flags & ELF_READ ? PROT_READ : 0) |
                                  (s->flags & ELF_WRITE ? PROT_WRITE : 0) |
                                  (s->flags & ELF_EXECUTE ? PROT_EXEC : 0),
                          .populate = true,
                          .backend = s->flags & ELF_WRITE ? &private_segment : &shared_segment,
                          .file = file,
                          .offset = s->offset - lead,
                          .file_size = s->file_size ? lead + s->file_size : 0,
                      });
}

static int map_stack(struct space *space)
{
    return map(space, &(struct area){
                          .start = USER_STACK_TOP - USER_STACK_SIZE,
                          .end = USER_STACK_TOP,
                          .prot = PROT_USER | PROT_READ | PROT_WRITE,
                          .populate = true,
                          .backend = spaces->anonymous,
                      });
}

/* All segments.  *headers: where the program headers are, or 0. */
static int map_segments(struct space *space, const struct elf *elf, uint64_t *headers)
{
    struct elf_segment s;
    int kind;
    *headers = 0;
    for (size_t i = 0; (kind = elf_segment(elf, i, &s)) != -ENOENT; i++) {
        if (kind < 0)
            return kind;
        if (kind == 0)
            continue;
        int error = map_segment(space, elf->file, &s);
        if (error)
            return error;
        uint64_t into = elf->header.segments_at - s.offset;
        if (into < s.file_size)
            *headers = s.address + into;
    }
    return 0;
}

static int fill_space(struct process *process, const struct elf *elf, char *const argv[],
                      char *const envp[])
{
    struct space *space = process->space;
    const struct elf_header *header = &elf->header;
    uint64_t headers;
    int error = map_stack(space);
    if (!error)
        error = map_segments(space, elf, &headers);
    if (error)
        return error;
    const struct area *text = area_find(&space->areas, header->entry);
    if (!text || (text->prot & (PROT_USER | PROT_EXEC)) != (PROT_USER | PROT_EXEC))
        return -ENOEXEC;

    const struct auxiliary auxiliary[] = {
        {AT_PHDR, headers},        {AT_PHNUM, header->segments}, {AT_PHENT, header->segment_size},
        {AT_ENTRY, header->entry}, {AT_PAGESZ, PAGE_SIZE},       {AT_NULL, 0},
    };
    const struct arguments arguments = {argv, envp, auxiliary};
    void *image;
    size_t size;
    error = arguments_build(&arguments, USER_STACK_TOP, &image, &size);
    if (error)
        return error;
    uint64_t sp = USER_STACK_TOP - size;
    error = space_store(space, sp, image, size);
    kfree(image);
    if (error)
        return error;
    process->task.user.sepc = header->entry;
    process->task.user.x[X_SP] = sp;
    process->memory = (struct region){0, USER_END};
    return 0;
}

static void unload(struct process *process)
{
    space_destroy(process);
    process->memory = (struct region){0, 0};
}

static int load(struct process *process, const char *path, char *const argv[], char *const envp[])
{
    struct elf elf;
    int error;
    struct file *file = image_open(path, &error);
    if (!file)
        return error;
    error = elf_open(&elf, file);
    if (!error)
        error = space_create(process);
    if (!error && (error = fill_space(process, &elf, argv, envp)) != 0)
        unload(process);
    file_put(file); /* from now on it is the areas' */
    __asm__ volatile("fence.i" ::: "memory");
    return error;
}

static const struct loader_ops sharing_loader = {.load = load, .unload = unload};
PROVIDE(loader, 3, sharing_loader);

static void unload_ended(struct task *task)
{
    unload(task->process);
}
EXIT_HOOK(0, unload_ended);
