/* kmain.c: the kernel from its first line of C to power-off. */
#include "console.h"
#include "cpio.h"
#include "frame.h"
#include "job.h"
#include "kmalloc.h"
#include "memory.h"
#include "panic.h"
#include "path.h"
#include "platform.h"
#include "print.h"
#include "runner.h"
#include "scheduler.h"
#include "slot.h"
#include "syscall.h"
#include "timer.h"
#include "trace.h"
#include "trap.h"

_Noreturn void kmain(uint64_t hart, const void *device_tree);

/*
 * hart: the number of the CPU we run on; device_tree: the flattened device tree, physical address.
 * Called by start.S on the boot stack.
 */
void kmain(uint64_t hart, const void *device_tree)
{
    uint64_t instructions = csr_read(instret);
    console_init();
    platform_init(device_tree);
    print_init();
    memory_init();
    timer_init();
    slots_init();
    trace_init();
    frames_init();
    scheduler_init();
    trap_init();
    syscall_init();
    cpio_init((const void *)platform.initrd_start, platform.initrd_end - platform.initrd_start);
    job_init();

    /* Programs may read the cycle, time and instret counters. */
    csr_write(scounteren, 7);

    report("boot: hart %lu, %zu MiB, %zu jobs, instret %lu", hart, platform.memory_size >> 20,
           job_count(), instructions);
    char value[8];
    if (platform_option("slots", value, sizeof(value)))
        slots_print();
    initcalls_run();
    runner->run();
    file_systems_sync();
    power_off();
}
