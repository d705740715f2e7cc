/* 6.1: the pages that both will write to at once are copied at once, and the child has the next turn. */
#include "errno.h"
#include "family.h"
#include "fork.h"
#include "frame.h"
#include "memory.h"
#include "process.h"
#include "scheduler.h"
#include "space.h"
#include "string.h"
#include "syscall.h"
#include "task.h"

/* A copy of what is there of [start, end). */
static int copy(const struct space *from, struct space *to, uint64_t start, uint64_t end)
{
    for (uint64_t va = space_next_page(from, start, end); va < end;
         va = space_next_page(from, va + PAGE_SIZE, end)) {
        const uint64_t pte = page_table->find(&from->table, va);
        const uintptr_t frame = frame_take();
        if (!frame)
            return -ENOMEM;
        memcpy((void *)frame, (const void *)pte_frame(pte), PAGE_SIZE);
        if (page_table->map(&to->table, va, frame, pte_prot(pte)) != 0) {
            frame_put(frame);
            return -ENOMEM;
        }
    }
    return 0;
}

/* The stack's pages behind sp are few, and both write there next: they are not worth two faults each. */
static bool is_stack(const struct area *area, uint64_t sp)
{
    return area->start <= sp && sp < area->end;
}

static int have_area(struct task *parent, struct process *child, const struct area *area)
{
    struct space *from = parent->process->space, *to = child->space;
    struct area like = *area;
    like.populate = false;
    int error = slot_below(spaces, 4)->map(to, &like);
    if (error)
        return error;
    area_find(&to->areas, area->start)->populate = area->populate;
    if (area->shared)
        return 0;
    error = is_stack(area, parent->user.x[X_SP]) ? -ENOSYS : share_pages(from, to, area);
    return error == -ENOSYS ? copy(from, to, area->start, area->end) : error;
}

static long sys_clone(struct task *task, const uint64_t args[6])
{
    struct process *child = process_create("child");
    if (!child)
        return -ENOMEM;
    memcpy(child->name, task->process->name, sizeof(child->name));
    struct user_context *user = &child->task.user;
    for (int n = 1; n < 32; n++)
        user->x[n] = n == X_A0 ? 0 : n == X_SP && args[1] ? args[1] : task->user.x[n];
    user->sepc = task->called_at + 4;
    float_keep(&child->task.context);
    long error = process_inherit(child, task->process);
    error = error ? error : space_create(child);
    const struct area *area = NULL;
    while (!error && (area = area_next(&task->process->space->areas, area)))
        if (area->prot & PROT_USER)
            error = have_area(task, child, area);
    if (!error) {
        child->space->heap_start = task->process->space->heap_start;
        child->space->heap_end = task->process->space->heap_end;
        error = clone_for_libraries(task, child, args);
    }
    error = error ? error : task_start(&child->task);
    if (error) {
        process_destroy(child);
        return error;
    }
    process_set_parent(task->process, child);
    need_resched = true;
    return child->pid;
}
SYSCALL(SYS_CLONE, sys_clone);
