/* timer.c: the one timer. */
#include "timer.h"

#include "platform.h"
#include "sbi.h"

void timer_set(uint64_t when)
{
    /* With the Sstc extension the compare register is ours; else the firmware keeps it. */
    if (platform.has_sstc)
        csr_write(0x14d, when); /* stimecmp; GCC 12 does not know the name */
    else
        sbi_set_timer(when);
}

uint64_t ticks_to_us(uint64_t ticks)
{
    return ticks / platform.timebase * 1000000 +
           ticks % platform.timebase * 1000000 / platform.timebase;
}
