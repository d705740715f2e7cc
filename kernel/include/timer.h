/*
 * timer.h: guest time, and the one timer.
 */
#ifndef TIMER_H
#define TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "riscv.h"

/* Ticks of the time CSR since power-on; platform.timebase of them are a second. */
static inline uint64_t time_now(void)
{
    return csr_read(time);
}

/* timer_set()'s own: may the compare register be written as it is, and what to do otherwise. */
extern bool timer_direct;
void timer_set_indirectly(uint64_t when);

/*
 * Ask for a timer interrupt at this absolute time; UINT64_MAX for never.  Replaces the last.  When
 * a test says so (bootargs jitter=SEED) the interrupt comes early, by an amount that follows from
 * the seed: a kernel that is right takes it as it comes.
 */
static inline void timer_set(uint64_t when)
{
    if (timer_direct)
        csr_write(0x14d, when); /* stimecmp; GCC 12 does not know the name */
    else
        timer_set_indirectly(when);
}

/* Read bootargs (jitter=…).  Called once at boot. */
void timer_init(void);

/* Ticks to microseconds, rounded down. */
uint64_t ticks_to_us(uint64_t ticks);

#endif
