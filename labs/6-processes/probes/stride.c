/*
 * stride.c: who has how many turns.  The tasks are no programs' and never run: what is asked is whom the scheduler
 * picks.
 */
#include "frame.h"
#include "probes.h"
#include "scheduler.h"

enum { TASKS = 8, SLACK = 3 };
static struct process processes[TASKS];
static unsigned turns[TASKS];

/* Begin: nobody is there but the tasks of the probe, which sleep. */
static void begin(void)
{
    boot_task->state = TASK_WAITING;
    scheduler->dequeue(boot_task);
    for (int i = 0; i < TASKS; i++) {
        struct task *task = &processes[i].task;
        processes[i].pid = 100 + i;
        processes[i].priority = PRIORITY_INITIAL;
        task->process = &processes[i];
        task->state = TASK_WAITING;
        list_init(&task->run_node);
    }
}

static int number_of(const struct task *task)
{
    int i = 0;
    while (i < TASKS && task != &processes[i].task)
        i++;
    PROBE_CHECK(i < TASKS, "pick() names a task that was never enqueued");
    return i;
}

static void wake(int i)
{
    processes[i].task.state = TASK_RUNNABLE;
    scheduler->enqueue(&processes[i].task);
}

/* The next turn: whose it is. */
static int turn(void)
{
    struct task *task = scheduler->pick();
    PROBE_CHECK(task, "tasks can run, and pick() says that there is none");
    int i = number_of(task);
    PROBE_CHECK(task->state == TASK_RUNNABLE, "pick() names task %d, which sleeps", i);
    current_task = task;
    return i;
}

/* Whoever has the turn sleeps: but the last one that can run. */
static void sleep_current(void)
{
    int others = 0;
    for (int i = 0; i < TASKS; i++)
        others += processes[i].task.state == TASK_RUNNABLE && &processes[i].task != current_task;
    if (others == 0)
        return;
    current_task->state = TASK_WAITING;
    scheduler->dequeue(current_task);
    turn();
}

/* So many turns, and each has its part of them. */
static void check_shares(const char *when, unsigned count)
{
    unsigned sum = 0;
    for (int i = 0; i < TASKS; i++) {
        turns[i] = 0;
        sum += processes[i].task.state == TASK_RUNNABLE ? processes[i].priority : 0;
    }
    for (unsigned n = 0; n < count; n++)
        turns[turn()]++;
    for (int i = 0; i < TASKS; i++) {
        if (processes[i].task.state != TASK_RUNNABLE)
            continue;
        unsigned wanted = count * processes[i].priority / sum;
        PROBE_CHECK(turns[i] <= wanted + SLACK && turns[i] + SLACK >= wanted,
                    "%s: of %u turns task %d, with priority %u of %u in all, has %u, not some %u",
                    when, count, i, processes[i].priority, sum, turns[i], wanted);
    }
}

static void end(void)
{
    current_task = boot_task;
    boot_task->state = TASK_RUNNABLE;
}

/* As many tasks as a machine may have: all have their turns, each on a page of its own. */
static void shares_of_many(void)
{
    enum { MANY = 300, ROUNDS = 4 };
    static struct process *many[MANY];
    static unsigned had[MANY];
    _Static_assert(sizeof(struct process) <= PAGE_SIZE, "a task fits into a page");
    for (int i = 0; i < MANY; i++) {
        many[i] = (struct process *)frame_alloc();
        PROBE_CHECK(many[i], "no memory");
        many[i]->pid = 1000 + i;
        many[i]->priority = PRIORITY_INITIAL;
        many[i]->task.process = many[i];
        list_init(&many[i]->task.run_node);
        scheduler->enqueue(&many[i]->task);
    }
    for (int n = 0; n < (ROUNDS + 1) * MANY; n++) {
        struct task *task = scheduler->pick();
        PROBE_CHECK(task && task->process->pid >= 1000, "of %d tasks pick() names none", MANY);
        current_task = task;
        if (n < ROUNDS * MANY) {
            had[task->process->pid - 1000]++;
            continue;
        }
        /* In the end each of them sleeps, when it has the turn. */
        task->state = TASK_WAITING;
        scheduler->dequeue(task);
    }
    for (int i = 0; i < MANY; i++)
        PROBE_CHECK(had[i] + SLACK >= ROUNDS && had[i] <= ROUNDS + SLACK && had[i] > 0,
                    "of %d turns of %d tasks, all with one priority, number %d has %u",
                    ROUNDS * MANY, MANY, i, had[i]);
}

void stride_shares(unsigned long argument)
{
    (void)argument;
    /* The highest first: whoever has had a turn with a low priority waits for thousands of theirs. */
    static const unsigned priorities[][TASKS] = {{PRIORITY_MAX, PRIORITY_MAX},
                                                 {PRIORITY_MAX, PRIORITY_MAX / 2, PRIORITY_MAX / 4},
                                                 {PRIORITY_MAX, PRIORITY_MAX, PRIORITY_MIN},
                                                 {16, 16},
                                                 {2, 4},
                                                 {16, 32, 64},
                                                 {5, 7, 11, 13},
                                                 {2, 3, 100},
                                                 {16, 16, 16, 16, 16, 16, 16, 16},
                                                 {1000, 2},
                                                 {PRIORITY_MIN, PRIORITY_MIN, PRIORITY_MIN}};
    begin();
    shares_of_many();
    for (size_t row = 0; row < sizeof(priorities) / sizeof(priorities[0]); row++) {
        for (int i = 0; i < TASKS; i++) {
            unsigned priority = priorities[row][i];
            if (priority)
                processes[i].priority = priority;
            if (priority && processes[i].task.state == TASK_WAITING)
                wake(i);
        }
        turn();
        /* Those that have no part in this row sleep. */
        for (int n = 0; n < 4 * TASKS; n++) {
            int i = number_of(current_task);
            if (priorities[row][i] == 0)
                sleep_current();
            else
                turn();
        }
        bool all_sleep = true;
        for (int i = 0; i < TASKS; i++)
            all_sleep =
                all_sleep && (priorities[row][i] || processes[i].task.state != TASK_RUNNABLE);
        while (!all_sleep) {
            int i = turn();
            if (priorities[row][i] == 0)
                sleep_current();
            all_sleep = true;
            for (i = 0; i < TASKS; i++)
                all_sleep =
                    all_sleep && (priorities[row][i] || processes[i].task.state != TASK_RUNNABLE);
        }
        check_shares("constant priorities", 2000);
    }
    end();
}

/* Who comes late, or has slept, has no more right to turns than the others, and no less. */
void stride_newcomers(unsigned long argument)
{
    (void)argument;
    begin();
    wake(0), wake(1);
    turn();
    check_shares("two tasks", 3000);
    wake(2);
    check_shares("a third task has come", 300);
    while (number_of(current_task) != 2)
        turn();
    sleep_current();
    check_shares("one of three sleeps", 3000);
    wake(2);
    check_shares("one of three has slept", 300);
    /* Who sleeps after each turn is not ahead of the others for it. */
    unsigned mine = 0;
    for (int n = 0; n < 900; n++) {
        bool is_mine = turn() == 2;
        mine += is_mine;
        if (is_mine) {
            sleep_current();
            wake(2);
        }
    }
    PROBE_CHECK(mine <= 450 && mine >= 200,
                "a task that sleeps for a moment after each turn has %u of 900, beside two others",
                mine);
    /* It does not get rid of what it owes, either. */
    while (number_of(current_task) == 2)
        turn();
    processes[2].priority = 2;
    mine = 0;
    for (int n = 0; n < 1700; n++) {
        bool is_mine = turn() == 2;
        mine += is_mine;
        if (is_mine) {
            sleep_current();
            wake(2);
        }
    }
    PROBE_CHECK(
        mine <= 120,
        "a task with priority 2 of 34 in all, that sleeps for a moment after each turn, has %u of "
        "1,700 turns, not some 100",
        mine);
    end();
}

/* Longer than a pass can grow before it wraps, if it has 32 bits or fewer. */
void stride_wraps(unsigned long argument)
{
    (void)argument;
    enum { ROUNDS = 300, TURNS = 1000 };
    begin();
    processes[0].priority = 2, processes[1].priority = 2, processes[2].priority = 3;
    wake(0), wake(1), wake(2);
    turn();
    for (int round = 0; round < ROUNDS; round++)
        check_shares("after many turns", TURNS);
    end();
}
