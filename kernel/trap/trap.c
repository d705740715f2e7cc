/* trap.c: asking the handlers, and the dump for when there is none. */
#include "trap.h"

#include "memory.h"
#include "panic.h"
#include "platform.h"
#include "print.h"
#include "signal.h"
#include "space.h"
#include "string.h"
#include "task.h"
#include "trace.h"

extern const struct trap_handler trap_handlers_start[], trap_handlers_end[];

/*
 * The handlers of each cause, highest level first, then NULL.  Exceptions stand at their code,
 * interrupts CAUSES_HALF higher.
 */
enum { CAUSES_HALF = 16, CHAIN_MAX = 8 };
static bool (*chains[2 * CAUSES_HALF][CHAIN_MAX])(struct task *task, uint64_t cause);

static const char *const exception_names[CAUSES_HALF] = {
    [CAUSE_FETCH_MISALIGNED] = "instruction address misaligned",
    [CAUSE_FETCH_ACCESS] = "instruction access fault",
    [CAUSE_ILLEGAL_INSTRUCTION] = "illegal instruction",
    [CAUSE_BREAKPOINT] = "breakpoint",
    [CAUSE_LOAD_MISALIGNED] = "load address misaligned",
    [CAUSE_LOAD_ACCESS] = "load access fault",
    [CAUSE_STORE_MISALIGNED] = "store address misaligned",
    [CAUSE_STORE_ACCESS] = "store access fault",
    [CAUSE_USER_ECALL] = "environment call from user mode",
    [CAUSE_FETCH_PAGE] = "instruction page fault",
    [CAUSE_LOAD_PAGE] = "load page fault",
    [CAUSE_STORE_PAGE] = "store page fault",
};

static const char *const register_names[32] = {
    "zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
    "a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
    "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
};

const char *register_name(int n)
{
    return register_names[n & 31];
}

const char *trap_cause_name(uint64_t cause)
{
    if (cause == CAUSE_TIMER)
        return "timer interrupt";
    if (cause == CAUSE_EXTERNAL)
        return "external interrupt";
    if (cause < CAUSES_HALF && exception_names[cause])
        return exception_names[cause];
    return cause & CAUSE_INTERRUPT ? "unknown interrupt" : "unknown exception";
}

/* What the instruction wanted to do with the address in stval, or NULL if stval is no address. */
static const char *access_kind(uint64_t cause)
{
    switch (cause) {
    case CAUSE_FETCH_MISALIGNED:
    case CAUSE_FETCH_ACCESS:
    case CAUSE_FETCH_PAGE:
        return "execute";
    case CAUSE_LOAD_MISALIGNED:
    case CAUSE_LOAD_ACCESS:
    case CAUSE_LOAD_PAGE:
        return "read";
    case CAUSE_STORE_MISALIGNED:
    case CAUSE_STORE_ACCESS:
    case CAUSE_STORE_PAGE:
        return "write";
    default:
        return NULL;
    }
}

/* Did the page table forbid it?  Without paging there are no such exceptions. */
static bool is_page_fault(uint64_t cause)
{
    return cause == CAUSE_FETCH_PAGE || cause == CAUSE_LOAD_PAGE || cause == CAUSE_STORE_PAGE;
}

static size_t chain_index(uint64_t cause)
{
    size_t code = cause & (CAUSES_HALF - 1);
    return cause & CAUSE_INTERRUPT ? CAUSES_HALF + code : code;
}

static void chain_add(size_t index, bool (*function)(struct task *task, uint64_t cause))
{
    size_t n = 0;
    while (chains[index][n])
        if (++n == CHAIN_MAX - 1)
            panic("more than %d handlers for one trap (trap.c, CHAIN_MAX)", CHAIN_MAX - 1);
    chains[index][n] = function;
}

void trap_ask(uint64_t cause, bool (*function)(struct task *task, uint64_t cause))
{
    chain_add(chain_index(cause), function);
}

/* Note a system call, and let somebody else do it. */
static bool trace_call(struct task *task, uint64_t cause)
{
    (void)cause;
    uint64_t number = task->user.x[X_A7];
    trace_event(task, TRACE_CALL, number < SYSCALL_LIMIT ? (uint16_t)number : UINT16_MAX);
    return false;
}

void trap_init(void)
{
    /* bootargs handlers=none: the first trap of a program shows the dump, whatever is linked. */
    char value[8];
    if (platform_option("trace", value, sizeof(value)) && strcmp(value, "calls") == 0)
        chain_add(CAUSE_USER_ECALL, trace_call);
    if (platform_option("handlers", value, sizeof(value)) && strcmp(value, "none") == 0)
        return;

    /* The section is in ascending level order. */
    for (const struct trap_handler *h = trap_handlers_end; h-- > trap_handlers_start;) {
        if (h->cause != TRAP_ANY_FAULT) {
            chain_add(chain_index(h->cause), h->function);
            continue;
        }
        for (size_t code = 0; code < CAUSES_HALF; code++)
            if (code != CAUSE_USER_ECALL)
                chain_add(code, h->function);
    }
}

/* The integer registers: x[n] is register n, x[0] is not looked at. */
static void dump_registers(const uint64_t x[32])
{
    for (int n = 0; n < 32; n += 4)
        report("dump: %-4s 0x%016lx  %-4s 0x%016lx  %-4s 0x%016lx  %-4s 0x%016lx",
               register_names[n], n ? x[n] : 0, register_names[n + 1], x[n + 1],
               register_names[n + 2], x[n + 2], register_names[n + 3], x[n + 3]);
}

/* Everything there is to know about a program at its trap. */
static void dump(const struct task *task, uint64_t cause)
{
    const struct user_context *user = &task->user;
    report("dump: %s: no handler for this trap: %s (cause %s%lu)", task->process->name,
           trap_cause_name(cause), cause & CAUSE_INTERRUPT ? "interrupt " : "",
           cause & ~CAUSE_INTERRUPT);
    const char *kind = access_kind(cause);
    report("dump: epc 0x%016lx  stval 0x%016lx  sstatus 0x%016lx%s%s", user->sepc, user->stval,
           user->sstatus, kind ? "  access " : "", kind ? kind : "");
    dump_registers(user->x);
}

static _Noreturn void unhandled(const struct task *task, uint64_t cause)
{
    dump(task, cause);
    power_off();
}

void trap_dispatch(struct task *task, uint64_t cause)
{
    if (!(cause & CAUSE_INTERRUPT)) {
        bool (**handler)(struct task *, uint64_t) = chains[cause & (CAUSES_HALF - 1)];
        task->called_at = task->user.sepc;
        for (; *handler; handler++)
            if ((*handler)(task, cause))
                return;
        unhandled(task, cause);
    }

    /* An interrupt may concern several, so all its handlers are asked. */
    bool (**handler)(struct task *, uint64_t) = chains[chain_index(cause)];
    if (cause == CAUSE_TIMER)
        trace_event(task, TRACE_TIMER, task->state != TASK_RUNNABLE);
    bool handled = false;
    for (; *handler; handler++)
        handled |= (*handler)(task, cause);
    if (!handled)
        unhandled(task, cause);
}

void trap_report_fault(const struct task *task, uint64_t cause, int signal)
{
    const char *kind = access_kind(cause);
    if (kind)
        report("fault: %s: %s (cause %lu), %s at 0x%lx, pc 0x%lx: %s", task->process->name,
               trap_cause_name(cause), cause, kind, task->user.stval, task->user.sepc,
               signal_name(signal));
    else
        report("fault: %s: %s (cause %lu), pc 0x%lx: %s", task->process->name,
               trap_cause_name(cause), cause, task->user.sepc, signal_name(signal));
    if (is_page_fault(cause) && task->process->space) {
        space_report(task->process->space, task->user.stval);
        dump_registers(task->user.x);
    }
}

_Noreturn void kernel_trap_panic(const uint64_t x[32]);

/* x: the kernel's registers at the trap, xN at N.  From kernel_trap.S, on a stack of its own. */
void kernel_trap_panic(const uint64_t x[32])
{
    uint64_t cause = csr_read(scause), epc = csr_read(sepc), value = csr_read(stval);
    dump_registers(x);
    uintptr_t stack = (uintptr_t)current_task->stack;
    if (value >= stack - PAGE_SIZE && value < stack)
        panic_at(epc, x, "the kernel stack of %s has overflowed: 0x%lx is in its guard page",
                 current_task->process->name, value);
    panic_at(epc, x, "the kernel itself trapped: %s (cause %s%lu), epc 0x%lx, stval 0x%lx",
             trap_cause_name(cause), cause & CAUSE_INTERRUPT ? "interrupt " : "",
             cause & ~CAUSE_INTERRUPT, epc, value);
}
