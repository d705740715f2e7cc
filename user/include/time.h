#ifndef USER_TIME_H
#define USER_TIME_H

#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1

struct timespec {
    long tv_sec;
    long tv_nsec; /* 0 to 999,999,999 */
};

struct timeval {
    long tv_sec;
    long tv_usec; /* 0 to 999,999 */
};

/*
 * Sleeps for at least the time at `request`. Returns 0, -EINVAL (a time that is none), -EFAULT;
 * when cut short, -EINTR with what is left at `remaining`, unless that is NULL.
 */
int nanosleep(const struct timespec *request, struct timespec *remaining);

/* Reads a clock. Returns 0, -EINVAL (no such clock), -EFAULT. */
int clock_gettime(int clock, struct timespec *result);

/* The time in microseconds; `zone` is obsolete: NULL. Returns 0, -EFAULT. */
int gettimeofday(struct timeval *result, void *zone);

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

/* Computes nothing for 250 instructions: for who spins. QEMU runs them in the time of one look at the clock. */
static inline void spend_250_instructions(void)
{
    __asm__ volatile(".rept 250\n nop\n .endr");
}

#endif
