/* wait.c: tasks that sleep until something happens. */
#include "wait.h"

#include "errno.h"
#include "panic.h"
#include "scheduler.h"
#include "task.h"
#include "trace.h"

void wait_uninterruptible(struct wait_queue *queue)
{
    struct task *task = current_task;
    assert(task && !task->waiting_on);
    task->waiting_on = queue;
    task->state = TASK_WAITING;
    list_append(&queue->tasks, &task->wait_node);
    trace_event(task, TRACE_WAIT, 0);
    scheduler->dequeue(task);
    while (task->state == TASK_WAITING)
        schedule();
}

long wait_on(struct wait_queue *queue)
{
    if (current_task->dying)
        return -EINTR;
    current_task->interruptible = true;
    wait_uninterruptible(queue);
    current_task->interruptible = false;
    return current_task->dying ? -EINTR : 0;
}

void wake_task(struct task *task)
{
    if (task->state != TASK_WAITING)
        return;
    list_remove(&task->wait_node);
    task->waiting_on = NULL;
    task->state = TASK_RUNNABLE;
    trace_event(task, TRACE_WAKE, 0);
    scheduler->enqueue(task);
}

void wake_all(struct wait_queue *queue)
{
    while (!list_empty(&queue->tasks))
        wake_task(container_of(queue->tasks.next, struct task, wait_node));
}

void sleep_lock_take(struct sleep_lock *lock)
{
    uint64_t number = lock->drawn++;
    if (!lock->waiting.tasks.next)
        list_init(&lock->waiting.tasks);
    while (lock->called != number)
        wait_uninterruptible(&lock->waiting);
}

void sleep_lock_release(struct sleep_lock *lock)
{
    assert(lock->called != lock->drawn);
    lock->called++;
    wake_all(&lock->waiting);
}
