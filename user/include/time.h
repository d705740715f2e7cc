#ifndef USER_TIME_H
#define USER_TIME_H

/* QEMU's "virt" machine counts time at 10 MHz (timebase-frequency in its device tree). */
#define TICKS_PER_MICROSECOND 10

/*
 * The `time` CSR: ticks since power-on. A program may read it only if the kernel set TM in
 * scounteren. Under qemu-riscv64 the ticks are the host's and of some other length.
 */
static inline unsigned long rdtime(void)
{
    unsigned long ticks;

    __asm__ volatile("rdtime %0" : "=r"(ticks));
    return ticks;
}

#endif
