/*
 * space.c: what is given of address spaces: making and removing one, reaching into it, reporting.
 */
#include "space.h"

#include "demand.h"
#include "errno.h"
#include "kmalloc.h"
#include "memory.h"
#include "panic.h"
#include "platform.h"
#include "print.h"
#include "string.h"
#include "task.h"

extern char trampoline_start[], user_enter[];

bool populate_all;

static void read_options(void)
{
    char value[4];
    populate_all = platform_option("populate", value, sizeof(value)) && strcmp(value, "1") == 0;
}
INITCALL(0, read_options);

/*
 * Map what a program's traps need, for the kernel only: the trampoline, and the context, which may lie
 * across the boundary of two pages.
 */
static int map_way_in_and_out(struct space *space, const struct user_context *context)
{
    uintptr_t first = page_down((uintptr_t)context), end = page_up((uintptr_t)(context + 1));
    const struct area trampoline = {
        .start = TRAMPOLINE,
        .end = TRAMPOLINE + PAGE_SIZE,
        .prot = PROT_READ | PROT_EXEC,
        .populate = true,
        .backend = spaces->linear,
        .physical = (uintptr_t)trampoline_start,
    };
    const struct area contexts = {
        .start = USER_CONTEXT,
        .end = USER_CONTEXT + (end - first),
        .prot = PROT_READ | PROT_WRITE,
        .populate = true,
        .backend = spaces->linear,
        .physical = first,
    };
    int error = spaces->map(space, &trampoline);
    return error ? error : spaces->map(space, &contexts);
}

static struct list complete = LIST_INIT(complete);

void space_publish(struct space *space)
{
    list_remove(&space->published);
    list_append(&complete, &space->published);
}

struct space *space_next(const struct space *space)
{
    const struct list *next = space ? space->published.next : complete.next;
    return next == &complete ? NULL : container_of(next, struct space, published);
}

void space_free(struct space *space)
{
    if (!space)
        return;
    list_remove(&space->published);
    struct area *area;
    while ((area = area_next(&space->areas, NULL)))
        spaces->unmap(space, area);
    page_table->destroy(&space->table);
    kfree(space);
}

int space_create(struct process *process)
{
    struct space *space = kmalloc(sizeof(*space));
    if (!space)
        return -ENOMEM;
    area_set_init(&space->areas);
    list_init(&space->published);
    int error = page_table->create(&space->table);
    if (error) {
        kfree(space);
        return error;
    }
    struct user_context *user = &process->task.user;
    error = map_way_in_and_out(space, user);
    if (error) {
        space_free(space);
        return error;
    }
    space_attach(process, space);
    return 0;
}

struct space *space_detach(struct process *process)
{
    struct space *space = process->space;
    process->space = NULL;
    process->memory = (struct region){0, 0};
    user_context_init(&process->task.user);
    return space;
}

void space_attach(struct process *process, struct space *space)
{
    struct user_context *user = &process->task.user;
    process->space = space;
    process->memory = (struct region){0, USER_END};
    user->user_satp = page_table_satp(&space->table);
    user->self = USER_CONTEXT + (uintptr_t)user % PAGE_SIZE;
    user->enter = TRAMPOLINE + (uintptr_t)(user_enter - trampoline_start);
}

void space_destroy(struct process *process)
{
    space_free(space_detach(process));
}

/* Fill [start, end), of which nothing is mapped.  Returns 0 or the first error (nothing is then). */
static int fill_range(struct space *space, const struct area *area, uint64_t start, uint64_t end)
{
    for (uint64_t va = start; va < end; va += PAGE_SIZE) {
        int error = area->backend->fill(space, area, va);
        if (error) {
            area->backend->drop(space, area, start, va);
            return error;
        }
    }
    return 0;
}

int space_resize(struct space *space, struct area *area, uint64_t start, uint64_t end)
{
    uint64_t old_start = area->start, old_end = area->end;
    assert(start == old_start || end == old_end);
    if (start != old_start && area->file)
        return -EFAULT;
    if (start > old_start)
        area->backend->drop(space, area, old_start, start);
    if (end < old_end)
        area->backend->drop(space, area, end, old_end);
    int error = area_resize(&space->areas, area, start, end);
    if (error || !area->populate)
        return error;
    error = start < old_start ? fill_range(space, area, start, old_start)
                              : fill_range(space, area, old_end, end);
    if (error)
        area_resize(&space->areas, area, old_start, old_end);
    return error;
}

int space_store(struct space *space, uint64_t va, const void *bytes, size_t size)
{
    const char *from = bytes;
    while (size > 0) {
        uint64_t pte = page_table->find(&space->table, va);
        if (!(pte_prot(pte) & PROT_WRITE)) {
            long error = space_fault->fault(space, va, ACCESS_WRITE);
            if (error)
                return (int)error;
            pte = page_table->find(&space->table, va);
            assert(pte_prot(pte) & PROT_WRITE);
        }
        size_t offset = va % PAGE_SIZE, n = PAGE_SIZE - offset;
        n = n < size ? n : size;
        memcpy((char *)pte_frame(pte) + offset, from, n);
        va += n, from += n, size -= n;
    }
    return 0;
}

/* "r-xu" for permissions. */
static void prot_text(unsigned prot, char text[5])
{
    for (int i = 0; i < 4; i++)
        text[i] = prot >> i & 1 ? "rwxu"[i] : '-';
    text[4] = '\0';
}

void space_report(const struct space *space, uint64_t va)
{
    char prot[5], page[5];
    const struct area *area = area_find(&space->areas, va);
    uint64_t pte = page_table->find(&space->table, va);
    prot_text(pte_prot(pte), page);
    if (area) {
        prot_text(area->prot, prot);
        report("dump: 0x%lx lies in area 0x%lx-0x%lx %s %s, page %s", va, area->start, area->end,
               prot, area->backend->name, pte ? page : "not mapped");
    } else {
        const struct area *next = area_find_from(&space->areas, va);
        report("dump: 0x%lx lies in no area; the next begins at 0x%lx, page %s", va,
               next ? next->start : 0, pte ? page : "not mapped");
    }
}
