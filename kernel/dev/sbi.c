/* sbi.c: calls to the firmware. */
#include "sbi.h"

enum { SBI_TIME = 0x54494d45, SBI_SYSTEM_RESET = 0x53525354 };

/* Function number function of an extension.  The result is in a0 (error) and a1; none is needed. */
static void sbi_call(long extension, long function, uint64_t arg0, uint64_t arg1)
{
    register uint64_t a0 __asm__("a0") = arg0;
    register uint64_t a1 __asm__("a1") = arg1;
    register long a6 __asm__("a6") = function;
    register long a7 __asm__("a7") = extension;
    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a6), "r"(a7) : "memory");
}

void sbi_set_timer(uint64_t when)
{
    sbi_call(SBI_TIME, 0, when, 0);
}

void sbi_shutdown(void)
{
    sbi_call(SBI_SYSTEM_RESET, 0, 0 /* shutdown */, 0 /* no reason */);
    for (;;)
        __asm__ volatile("wfi");
}
