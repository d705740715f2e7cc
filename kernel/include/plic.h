/*
 * plic.h: interrupts of devices, by way of the platform-level interrupt controller (PLIC).
 *
 * Source: RISC-V Platform-Level Interrupt Controller Specification 1.0.0.
 */
#ifndef PLIC_H
#define PLIC_H

enum { PLIC_SOURCES = 64 };

/*
 * From now on let a device's interrupts through, and have handler called for each.  It has to do what makes
 * the device withdraw its request, or the next one follows at once.  It may wake tasks, but not sleep: it is
 * called in somebody else's name, when the interrupt hits user mode or an idle CPU.
 *
 * irq: the device's number at the PLIC, 1 to PLIC_SOURCES - 1.  For boot, once the kernel's page table is on.
 */
void plic_enable(unsigned irq, void (*handler)(void));

#endif
