/*
 * terminal.c: lines that are typed on the serial line: echoed, and corrected, before a program sees them.
 *
 * What has been received is looked at with each interrupt of the timer; until then it waits in the port, and in front
 * of it.  See termios(3): this is ICANON, ECHO, ICRNL and ISIG with the usual characters, and nothing else.
 */
#include "terminal.h"

#include "console.h"
#include "platform.h"
#include "riscv.h"
#include "scheduler.h"
#include "signal.h"
#include "slot.h"
#include "string.h"
#include "task.h"
#include "trap.h"
#include "wait.h"

enum {
    INTERRUPT = 'C' - '@',
    END = 'D' - '@',
    KILL = 'U' - '@',
    BACKSPACE = '\b',
    DELETE = 0x7f,
    BELL = '\a',
    LINE_MAX = 4095, /* Linux's */
    TYPED_MAX = 8192 /* a power of two */
};

bool console_is_terminal;

/* What has been typed: up to `complete` programs may have it, behind that it can be corrected. */
static char typed[TYPED_MAX];
static size_t first, complete, end; /* they only grow */
static struct wait_queue readers = WAIT_QUEUE_INIT(readers);

static void add(char c)
{
    typed[end++ % TYPED_MAX] = c;
}

static void complete_line(void)
{
    complete = end;
    wake_all(&readers);
}

/* Take the last character of the line away: all bytes of it, if it is UTF-8. */
static void take_back(void)
{
    char c;
    do
        c = typed[--end % TYPED_MAX];
    while (end > complete && ((uint8_t)c & 0xc0) == 0x80);
    console_write("\b \b", 3);
}

static void interrupt(void)
{
    console_write("^C\n", 3);
    end = complete;
    for (struct task *task = NULL; (task = task_next(task));)
        process_signal(task->process, SIGINT);
}

static void receive(char c)
{
    if (c == '\r')
        c = '\n';
    if (c == INTERRUPT) {
        interrupt();
    } else if (c == BACKSPACE || c == DELETE) {
        if (end > complete)
            take_back();
    } else if (c == KILL) {
        while (end > complete)
            take_back();
    } else if (c == END) {
        /* A mark for the reader: behind what is in the line, or alone, when it is the end of all. */
        add(END);
        complete_line();
    } else if (c == '\n') {
        add(c);
        console_write(&c, 1);
        complete_line();
    } else if (end - complete >= LINE_MAX || end - first >= TYPED_MAX - 2) {
        console_write(&(char){BELL}, 1);
    } else {
        add(c);
        console_write(&c, 1);
    }
}

static bool look(struct task *task, uint64_t cause)
{
    (void)task, (void)cause;
    for (int c; end - first < TYPED_MAX - 1 && (c = console_read()) >= 0;)
        receive((char)c);
    return false;
}

static void read_options(void)
{
    char value[16];
    console_is_terminal =
        platform_option("console", value, sizeof(value)) && strcmp(value, "terminal") == 0;
    if (console_is_terminal)
        trap_ask(CAUSE_TIMER, look);
    /* Who types may be a program, on a machine whose time flies while the CPU waits for an interrupt. */
    if (platform_option("idle", value, sizeof(value)) && strcmp(value, "polls") == 0)
        idle_polls++;
}
INITCALL(0, read_options);

long terminal_read(char *buffer, size_t size)
{
    while (first == complete && size > 0) {
        long error = wait_on(&readers);
        if (error)
            return error;
    }
    size_t n = 0;
    while (n < size && first < complete) {
        char c = typed[first++ % TYPED_MAX];
        if (c == END)
            break;
        buffer[n++] = c;
        if (c == '\n')
            break;
    }
    return (long)n;
}
