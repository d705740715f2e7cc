/* 3.5: a segment becomes two adjacent areas: the pages that the file has bytes for, and zeros. */
#include "arguments.h"
#include "elf.h"
#include "errno.h"
#include "file.h"
#include "frame.h"
#include "kmalloc.h"
#include "loader.h"
#include "memory.h"
#include "space.h"
#include "task.h"

/* Every page has bytes from the file: so the frame gets them before it is mapped. */
static int fill_from_file(struct space *space, const struct area *area, uint64_t va)
{
    uint64_t at = va - area->start, rest = area->file_size - at;
    uintptr_t frame = frame_alloc();
    if (!frame)
        return -ENOMEM;
    size_t size = rest < PAGE_SIZE ? rest : PAGE_SIZE;
    long count = area->file->ops->read_at(area->file, (void *)frame, size, area->offset + at);
    int error = count == (long)size ? page_table->map(&space->table, va, frame, area->prot) : -EIO;
    if (error)
        frame_put(frame);
    return error;
}

static void drop(struct space *space, const struct area *area, uint64_t start, uint64_t end)
{
    spaces->anonymous->drop(space, area, start, end);
}

static const struct backend from_file = {.name = "from file", .fill = fill_from_file, .drop = drop};

static unsigned prot_of(uint32_t flags)
{
    static const unsigned prots[8] = {
        [ELF_READ] = PROT_READ,
        [ELF_WRITE] = PROT_WRITE,
        [ELF_EXECUTE] = PROT_EXEC,
        [ELF_READ | ELF_WRITE] = PROT_READ | PROT_WRITE,
        [ELF_READ | ELF_EXECUTE] = PROT_READ | PROT_EXEC,
        [ELF_WRITE | ELF_EXECUTE] = PROT_WRITE | PROT_EXEC,
        [ELF_READ | ELF_WRITE | ELF_EXECUTE] = PROT_READ | PROT_WRITE | PROT_EXEC,
    };
    return PROT_USER | prots[flags & 7];
}

/* Map [start, end), if that is anything. */
static int map_part(struct space *space, uint64_t start, uint64_t end, struct area area)
{
    area.start = start;
    area.end = end;
    area.populate = true;
    int error = start < end ? spaces->map(space, &area) : 0;
    return error == -EEXIST ? -ENOEXEC : error;
}

static int map_segment(struct space *space, struct file *file, const struct elf_segment *s)
{
    uint64_t end = s->address + s->memory_size, start = page_down(s->address);
    uint64_t middle = s->file_size ? page_up(s->address + s->file_size) : start;
    if (end > USER_END || (s->address - s->offset) % PAGE_SIZE != 0)
        return -ENOEXEC;
    unsigned prot = prot_of(s->flags);
    int error = map_part(space, start, middle,
                         (struct area){
                             .prot = prot,
                             .backend = &from_file,
                             .file = file,
                             .offset = page_down(s->offset),
                             .file_size = s->offset % PAGE_SIZE + s->file_size,
                         });
    if (error)
        return error;
    return map_part(space, middle, page_up(end),
                    (struct area){.prot = prot, .backend = spaces->anonymous});
}

/* Arguments and auxiliary vector; *sp: where they begin. */
static int fill_stack(struct space *space, const struct elf *elf, uint64_t headers,
                      char *const argv[], char *const envp[], uint64_t *sp)
{
    const struct auxiliary auxiliary[] = {
        {AT_ENTRY, elf->header.entry},
        {AT_PHNUM, elf->header.segments},
        {AT_PHENT, elf->header.segment_size},
        {AT_PHDR, headers},
        {AT_PAGESZ, PAGE_SIZE},
        {AT_NULL, 0},
    };
    const struct arguments arguments = {argv, envp, auxiliary};
    void *image;
    size_t size;
    int error = arguments_build(&arguments, USER_STACK_TOP, &image, &size);
    if (error)
        return error;
    error = map_part(space, USER_STACK_TOP - USER_STACK_SIZE, USER_STACK_TOP,
                     (struct area){
                         .prot = PROT_USER | PROT_READ | PROT_WRITE,
                         .backend = spaces->anonymous,
                     });
    if (!error) {
        *sp = USER_STACK_TOP - size;
        error = space_store(space, *sp, image, size);
    }
    kfree(image);
    return error;
}

static int fill_space(struct process *process, const struct elf *elf, char *const argv[],
                      char *const envp[])
{
    struct space *space = process->space;
    struct user_context *user = &process->task.user;
    uint64_t headers = 0;
    struct elf_segment s;
    int kind, error = 0;
    for (size_t i = 0; !error && (kind = elf_segment(elf, i, &s)) != -ENOENT; i++) {
        error = kind == 1 ? map_segment(space, elf->file, &s) : kind;
        if (kind == 1 && elf->header.segments_at - s.offset < s.file_size)
            headers = s.address - s.offset + elf->header.segments_at;
    }
    if (error)
        return error;
    const struct area *text = area_find(&space->areas, elf->header.entry);
    if (!text || !(text->prot & PROT_USER) || !(text->prot & PROT_EXEC))
        return -ENOEXEC;
    error = fill_stack(space, elf, headers, argv, envp, &user->x[X_SP]);
    if (!error)
        user->sepc = elf->header.entry;
    return error;
}

static void unload(struct process *process)
{
    process->memory = (struct region){0, 0};
    space_destroy(process);
}

static int load(struct process *process, const char *path, char *const argv[], char *const envp[])
{
    int error = 0;
    struct elf elf = {.file = file_open(path, &error)};
    if (!elf.file)
        return error;
    error = elf_open(&elf, elf.file);
    if (!error)
        error = space_create(process);
    if (!error)
        error = fill_space(process, &elf, argv, envp);
    if (error)
        unload(process);
    else
        process->memory.end = USER_END;
    file_put(elf.file);
    __asm__ volatile("fence.i" ::: "memory");
    return error;
}

static const struct loader_ops two_areas = {.load = load, .unload = unload};
PROVIDE(loader, 3, two_areas);

static void unload_ended(struct task *task)
{
    unload(task->process);
}
EXIT_HOOK(0, unload_ended);
