/*
 * sbi.h: what the firmware (OpenSBI, in machine mode) does for us.
 * Source: RISC-V Supervisor Binary Interface Specification 1.0.
 */
#ifndef SBI_H
#define SBI_H

#include <stdint.h>

/* Ask for a timer interrupt at this absolute time, in ticks (extension TIME). */
void sbi_set_timer(uint64_t when);

/* Power the machine off (extension SRST).  Does not return. */
_Noreturn void sbi_shutdown(void);

#endif
