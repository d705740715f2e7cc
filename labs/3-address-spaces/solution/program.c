/*
 * Task 3.5: a program gets an address space of its own.
 */
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

/*
 * The backend of a program's segments: a page is a frame of the area's own, like an anonymous one.  What
 * the file has for it is read into it (file->ops->read_at() in file.h): page number n of the area
 * has the bytes from area->offset + n * PAGE_SIZE on, but no byte from area->file_size on, counted
 * from the start of the area.  The rest is zero: bss.
 * When read_at() gives an error, or fewer bytes than it should (-EIO), fill() says so, and nothing is mapped.
 */
static int segment_fill(struct space *space, const struct area *area, uint64_t va)
{
    /* BEGIN SOLUTION 3.5 */
    int error = spaces->anonymous->fill(space, area, va);
    if (error)
        return error;
    uint64_t at = va - area->start;
    if (at >= area->file_size)
        return 0;
    size_t size = area->file_size - at < PAGE_SIZE ? area->file_size - at : PAGE_SIZE;
    /* The read may sleep, and from lab 4 on another task may take the page meanwhile. */
    uintptr_t frame = pte_frame(page_table->find(&space->table, va));
    frame_get(frame);
    long count = area->file->ops->read_at(area->file, (void *)frame, size, area->offset + at);
    frame_put(frame);
    if (count != (long)size) {
        spaces->anonymous->drop(space, area, va, va + PAGE_SIZE);
        return count < 0 ? (int)count : -EIO;
    }
    return 0;
    /* STUB
    (void)space, (void)area, (void)va;
    return -ENOMEM;
    */
    /* END SOLUTION */
}

static void segment_drop(struct space *space, const struct area *area, uint64_t start, uint64_t end)
{
    spaces->anonymous->drop(space, area, start, end);
}

static const struct backend segments = {
    .name = "segment", .fill = segment_fill, .drop = segment_drop};

/*
 * Map one loadable segment of a program (elf.h) as an area, for user mode, with the permissions that its
 * flags say.  Areas are whole pages: the area begins with the page in which the segment begins, and
 * so does what it takes from the file.
 *
 * Returns 0, -ENOMEM, -EIO, or -ENOEXEC for a segment that cannot be mapped: it reaches beyond USER_END, its
 * address and its offset in the file are not the same distance from a page boundary, or it shares
 * a page with another segment.
 */
static int map_segment(struct space *space, const struct elf *elf, const struct elf_segment *s)
{
    /* BEGIN SOLUTION 3.5 */
    uint64_t lead = s->address % PAGE_SIZE;
    if (s->address >= USER_END || s->memory_size > USER_END - s->address ||
        s->offset % PAGE_SIZE != lead)
        return -ENOEXEC;
    unsigned prot = PROT_USER;
    if (s->flags & ELF_READ)
        prot |= PROT_READ;
    if (s->flags & ELF_WRITE)
        prot |= PROT_WRITE;
    if (s->flags & ELF_EXECUTE)
        prot |= PROT_EXEC;
    struct area area = {
        .start = page_down(s->address),
        .end = page_up(s->address + s->memory_size),
        .prot = prot,
        .populate = true,
        .backend = &segments,
        .file = elf->file,
        .offset = s->offset - lead,
        .file_size = s->file_size ? s->file_size + lead : 0,
    };
    int error = spaces->map(space, &area);
    return error == -EEXIST ? -ENOEXEC : error;
    /* STUB
    (void)space, (void)elf, (void)s, (void)segments;
    return -ENOEXEC;
    */
    /* END SOLUTION */
}

/*
 * Fill the space that the process has got with the program and its stack, and set where it starts: sepc
 * and sp.
 *
 * The stack is USER_STACK_SIZE bytes below USER_STACK_TOP, for reading and writing; below it nothing is
 * mapped.  arguments_build() (arguments.h) makes what has to stand at its upper end, and
 * space_store() (space.h) puts it there.  In the auxiliary vector the program is told AT_PAGESZ;
 * AT_ENTRY; and where its program headers lie, how large each is and how many there are: AT_PHDR (the
 * address at which byte segments_at of the file has been mapped), AT_PHENT, AT_PHNUM.
 *
 * Returns 0, -ENOEXEC, -E2BIG, -ENOMEM or -EIO; after an error the caller takes the space away.
 */
static int fill_space(struct process *process, const struct elf *elf, char *const argv[],
                      char *const envp[])
{
    /* BEGIN SOLUTION 3.5 */
    struct space *space = process->space;
    uint64_t headers = 0;
    struct elf_segment s;
    int kind;
    for (size_t i = 0; (kind = elf_segment(elf, i, &s)) >= 0; i++) {
        int error = kind == 1 ? map_segment(space, elf, &s) : 0;
        if (error)
            return error;
        if (kind == 1 && elf->header.segments_at - s.offset < s.file_size)
            headers = s.address + (elf->header.segments_at - s.offset);
    }
    if (kind != -ENOENT)
        return kind;
    const struct area *entered = area_find(&space->areas, elf->header.entry);
    if (!entered || !(entered->prot & PROT_EXEC) || !(entered->prot & PROT_USER))
        return -ENOEXEC;

    struct area stack = {
        .start = USER_STACK_TOP - USER_STACK_SIZE,
        .end = USER_STACK_TOP,
        .prot = PROT_READ | PROT_WRITE | PROT_USER,
        .populate = true,
        .backend = spaces->anonymous,
    };
    int error = spaces->map(space, &stack);
    if (error)
        return error == -EEXIST ? -ENOEXEC : error;
    const struct auxiliary auxiliary[] = {
        {AT_PAGESZ, PAGE_SIZE},
        {AT_PHDR, headers},
        {AT_PHENT, elf->header.segment_size},
        {AT_PHNUM, elf->header.segments},
        {AT_ENTRY, elf->header.entry},
        {AT_NULL, 0},
    };
    const struct arguments arguments = {argv, envp, auxiliary};
    void *image;
    size_t size;
    error = arguments_build(&arguments, USER_STACK_TOP, &image, &size);
    if (error)
        return error;
    error = space_store(space, USER_STACK_TOP - size, image, size);
    kfree(image);
    if (error)
        return error;
    process->task.user.x[X_SP] = USER_STACK_TOP - size;
    process->task.user.sepc = elf->header.entry;
    return 0;
    /* STUB
    (void)process, (void)elf, (void)argv, (void)envp, (void)map_segment;
    return -ENOEXEC;
    */
    /* END SOLUTION */
}

/*
 * The contracts of these two are in loader.h.  process->memory is {0, USER_END} while the process has a space, and
 * {0, 0} without one: lab 1's write() reads it.  space_create() and space_destroy() have set it already.
 */
static void unload(struct process *process)
{
    /* BEGIN SOLUTION 3.5 */
    process->memory = (struct region){0, 0};
    space_destroy(process);
    /* STUB
    const struct loader_ops *lower = slot_below(loader, 3);
    lower->unload(process);
    */
    /* END SOLUTION */
}

static int load(struct process *process, const char *path, char *const argv[], char *const envp[])
{
    /* BEGIN SOLUTION 3.5 */
    int error;
    struct elf elf;
    struct file *file = file_open(path, &error);
    if (!file)
        return error;
    error = elf_open(&elf, file);
    if (!error)
        error = space_create(process);
    if (!error) {
        error = fill_space(process, &elf, argv, envp);
        if (error)
            unload(process);
        else
            process->memory = (struct region){0, USER_END};
    }
    file_put(file);
    __asm__ volatile("fence.i" ::: "memory");
    return error;
    /* STUB
    (void)fill_space;
    const struct loader_ops *lower = slot_below(loader, 3);
    return lower->load(process, path, argv, envp);
    */
    /* END SOLUTION */
}

static const struct loader_ops paged_loader = {.load = load, .unload = unload};
PROVIDE(loader, 3, paged_loader);

/* A program that has ended needs no memory: before anybody else looks at what it had. */
static void unload_ended(struct task *task)
{
    unload(task->process);
}
EXIT_HOOK(0, unload_ended);
