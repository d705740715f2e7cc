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
    /* TODO(3.5) */
    (void)space, (void)area, (void)va;
    return -ENOMEM;
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
    /* TODO(3.5) */
    (void)space, (void)elf, (void)s, (void)segments;
    return -ENOEXEC;
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
    /* TODO(3.5) */
    (void)process, (void)elf, (void)argv, (void)envp, (void)map_segment;
    return -ENOEXEC;
}

/*
 * The contracts of these two are in loader.h.  process->memory is {0, USER_END} while the process has a space, and
 * {0, 0} without one: lab 1's write() reads it.  space_create() and space_destroy() have set it already.
 */
static void unload(struct process *process)
{
    /* TODO(3.5) */
    const struct loader_ops *lower = slot_below(loader, 3);
    lower->unload(process);
}

static int load(struct process *process, const char *path, char *const argv[], char *const envp[])
{
    /* TODO(3.5) */
    (void)fill_space;
    const struct loader_ops *lower = slot_below(loader, 3);
    return lower->load(process, path, argv, envp);
}

static const struct loader_ops paged_loader = {.load = load, .unload = unload};
PROVIDE(loader, 3, paged_loader);

/* A program that has ended needs no memory: before anybody else looks at what it had. */
static void unload_ended(struct task *task)
{
    unload(task->process);
}
EXIT_HOOK(0, unload_ended);
