/*
 * shortage.c: a kernel that has hardly any memory for itself (bootargs probe=shortage): so many bytes of
 * kmalloc()'s are left as the bootargs leave=BYTES say.
 */
#include "kmalloc.h"
#include "platform.h"
#include "slot.h"

static void take_memory(void)
{
    char digits[12];
    if (!platform_option("leave", digits, sizeof(digits)))
        return;
    size_t leave = 0;
    for (const char *c = digits; *c; c++)
        leave = leave * 10 + (size_t)(*c - '0');
    size_t step = kmalloc_free_bytes();
    for (; step >= 64; step /= 2)
        while (kmalloc_free_bytes() > leave + step && kmalloc(step - 32))
            ;
}
INITCALL(9, take_memory);
