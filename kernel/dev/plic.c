/*
 * plic.c: the platform-level interrupt controller of QEMU's virt board.
 *
 * A device raises its line; the PLIC interrupts a hart for which the line is enabled.  Who reads the claim
 * register gets the line's number, and no further interrupt from it until the number is written back.
 */
#include "plic.h"

#include <stddef.h>
#include <stdint.h>

#include "device_map.h"
#include "panic.h"
#include "riscv.h"
#include "trap.h"

/* Where it lies, and its registers for supervisor mode of hart 0: hw/riscv/virt.c in QEMU. */
#define PLIC 0x0c000000UL
enum {
    PLIC_SIZE = 4 << 20,
    SUPERVISOR = 1,       /* the PLIC's number for it, its "context" */
    PRIORITY = 0,         /* a word for each line: 0 for never */
    ENABLE = 0x2000,      /* a bit for each line, 0x80 bytes for each context */
    THRESHOLD = 0x200000, /* interrupts of higher priorities come through */
    CLAIM = 0x200004,
    CONTEXT_SIZE = 0x1000,
};

/* Who deals with each line, and whether anybody does: without, nobody has made the PLIC reachable. */
static void (*handlers[PLIC_SOURCES])(void);
static bool enabled;

static volatile uint32_t *plic(size_t reg)
{
    return (volatile uint32_t *)(PLIC + reg);
}

void plic_enable(unsigned irq, void (*handler)(void))
{
    assert(irq > 0 && irq < PLIC_SOURCES);
    device_map(PLIC, PLIC_SIZE);
    handlers[irq] = handler;
    *plic(PRIORITY + 4 * irq) = 1;
    *plic(ENABLE + 0x80 * SUPERVISOR + irq / 32 * 4) |= 1U << irq % 32;
    *plic(THRESHOLD + CONTEXT_SIZE * SUPERVISOR) = 0;
    enabled = true;
    csr_set(sie, SIE_SEIE);
}

/* Some device wants something.  Which one may have been settled by now: then there is nothing to claim. */
static bool on_external(struct task *task, uint64_t cause)
{
    (void)task, (void)cause;
    if (!enabled)
        return false;
    uint32_t irq;
    while ((irq = *plic(CLAIM + CONTEXT_SIZE * SUPERVISOR)) != 0) {
        if (irq < PLIC_SOURCES && handlers[irq])
            handlers[irq]();
        *plic(CLAIM + CONTEXT_SIZE * SUPERVISOR) = irq;
    }
    return true;
}
TRAP_HANDLER(CAUSE_EXTERNAL, 0, on_external);
