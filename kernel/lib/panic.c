/* panic.c: the ways to end: in order, or by a bug. */
#include "panic.h"

#include "platform.h"
#include "riscv.h"
#include "sbi.h"
#include "task.h"
#include "timer.h"

enum { BACKTRACE_MAX = 24 };

extern char text_end[], kernel_start[], kernel_end[];

static bool panicking;

void power_off(void)
{
    klog_flush();
    report("off: time %lu", time_now());
    sbi_shutdown();
}

static bool is_code(uintptr_t address)
{
    return address >= (uintptr_t)kernel_start && address < (uintptr_t)text_end;
}

/* May these two words below a frame pointer be read?  Where it is certain that something is. */
static bool is_frame(uintptr_t frame)
{
    uintptr_t stack = (uintptr_t)current_task->stack;
    return frame % 8 == 0 && ((frame >= (uintptr_t)kernel_start + 16 &&
                               frame < platform.memory_start + platform.memory_size) ||
                              (frame >= stack + 16 && frame <= stack + current_task->stack_size));
}

/*
 * Print the return addresses that the chain of frame pointers leads to.  The kernel is compiled
 * with frame pointers: s0 points just above the saved ra (at -8) and the caller's s0 (at -16).  A
 * function that calls nobody saves s0 only (at -8): its return address is still in ra.
 */
static void backtrace(uintptr_t pc, uintptr_t frame, uintptr_t ra)
{
    char line[BACKTRACE_MAX * 12 + 1];
    size_t length = 0;
    for (int depth = 0; depth < BACKTRACE_MAX && is_code(pc); depth++) {
        length += snprintf(line + length, sizeof(line) - length, " 0x%lx", pc);
        if (!is_frame(frame))
            break;
        const uintptr_t *saved = (const uintptr_t *)frame;
        bool calls_nobody = depth == 0 && !is_code(saved[-1]);
        uintptr_t up = calls_nobody ? saved[-1] : saved[-2];
        /* A return address points behind the call: step back into it, for the line number. */
        pc = (calls_nobody ? ra : saved[-1]) - 2;
        frame = up > frame ? up : 0;
    }
    line[length < sizeof(line) ? length : sizeof(line) - 1] = '\0';
    report("backtrace:%s", line);
}

enum { MESSAGE_MAX = 256 };

static _Noreturn void die(uintptr_t pc, uintptr_t frame, uintptr_t ra, const char *message)
{
    csr_clear(sstatus, SSTATUS_SIE);
    if (panicking)
        sbi_shutdown(); /* a panic while panicking: say no more */
    panicking = true;
    report("panic: %s", message);
    backtrace(pc, frame, ra);
    power_off();
}

void panic(const char *format, ...)
{
    char message[MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    /* From the caller on: its return address into here, and the frame pointer we saved. */
    const uintptr_t *frame = __builtin_frame_address(0);
    die((uintptr_t)__builtin_return_address(0) - 2, frame[-2], 0, message);
}

void panic_at(uintptr_t pc, const uint64_t x[32], const char *format, ...)
{
    char message[MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    die(pc, x[8], x[1], message);
}
