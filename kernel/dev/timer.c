/* timer.c: the one timer. */
#include "timer.h"

#include "platform.h"
#include "sbi.h"

static uint64_t jitter; /* state of the generator; 0 without bootargs jitter=SEED */

bool timer_direct;

void timer_init(void)
{
    char seed[12];
    bool early = platform_option("jitter", seed, sizeof(seed));
    timer_direct = platform.has_sstc && !early;
    if (!early)
        return;
    jitter = 88172645463325252UL;
    for (const char *s = seed; *s; s++)
        jitter = jitter * 31 + (uint64_t)*s;
}

/* A time between now and when, at random: 1/128 to 1/8 of the way, and of 10 ms at most. */
static uint64_t earlier(uint64_t when)
{
    uint64_t now = time_now(), most = platform.timebase / 100;
    if (when <= now || when == UINT64_MAX)
        return when;
    jitter ^= jitter << 13, jitter ^= jitter >> 7, jitter ^= jitter << 17;
    return now + 1 + (when - now < most ? when - now : most) * (jitter % 1024 + 64) / 8192;
}

void timer_set_indirectly(uint64_t when)
{
    if (jitter)
        when = earlier(when);
    /* With the Sstc extension the compare register is ours; else the firmware keeps it. */
    if (platform.has_sstc)
        csr_write(0x14d, when); /* stimecmp */
    else
        sbi_set_timer(when);
}

uint64_t ticks_to_us(uint64_t ticks)
{
    return ticks / platform.timebase * 1000000 +
           ticks % platform.timebase * 1000000 / platform.timebase;
}
