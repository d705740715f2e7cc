/* 2.5: sleepers in the order of their times. */
#include <stdbool.h>

#include "errno.h"
#include "list.h"
#include "platform.h"
#include "syscall.h"
#include "task.h"
#include "time.h"
#include "timer.h"
#include "trap.h"
#include "user_memory.h"
#include "wait.h"

static struct wait_queue bed = WAIT_QUEUE_INIT(bed);
static struct list alarms = LIST_INIT(alarms);

struct alarm {
    struct list node;
    struct task *task;
    uint64_t when;
};

uint64_t next_sleeper(void);

uint64_t next_sleeper(void)
{
    return list_empty(&alarms) ? UINT64_MAX : container_of(alarms.next, struct alarm, node)->when;
}

static long sys_nanosleep(struct task *task, const uint64_t args[6])
{
    struct timespec time;
    long error = user_memory->in(task, &time, args[0], sizeof(time));
    if (error)
        return error;
    if (time.tv_sec < 0 || time.tv_nsec < 0 || time.tv_nsec > 999999999)
        return -EINVAL;
    uint64_t hz = platform.timebase, now = time_now();
    uint64_t part = ((uint64_t)time.tv_nsec + 1000000000 / hz - 1) / (1000000000 / hz);
    bool forever = (uint64_t)time.tv_sec > (UINT64_MAX - now - part) / hz;
    struct alarm alarm = {.task = task};
    alarm.when = forever ? UINT64_MAX : now + (uint64_t)time.tv_sec * hz + part;
    struct list *at = alarms.next;
    while (at != &alarms && container_of(at, struct alarm, node)->when <= alarm.when)
        at = at->next;
    list_append(at, &alarm.node);
    if (alarms.next == &alarm.node && alarm.when - now < hz / 100)
        timer_set(alarm.when);
    while (time_now() < alarm.when && !(error = wait_on(&bed)))
        ;
    list_remove(&alarm.node);
    return error;
}
SYSCALL(SYS_NANOSLEEP, sys_nanosleep);

static bool wake_sleepers(struct task *task, uint64_t cause)
{
    (void)task, (void)cause;
    uint64_t now = time_now();
    for (struct list *l = alarms.next; l != &alarms; l = l->next) {
        struct alarm *alarm = container_of(l, struct alarm, node);
        if (alarm->when > now)
            break;
        wake_task(alarm->task);
    }
    return false;
}
TRAP_HANDLER(CAUSE_TIMER, 2, wake_sleepers);
