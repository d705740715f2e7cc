/*
 * unknown [direct] NUMBER...: makes system calls that do not exist. A kernel that takes the number
 * for an index, or looks at half of it, does something else than say -ENOSYS.
 *
 * All arguments are the number of a call that exists, exit, for a kernel that looks for the number
 * in a wrong register. NUMBER is decimal or hexadecimal (0x), 64 bits. For each prints
 *     call NUMBER: RESULT
 * with NUMBER as given. With `direct` prints straight to the UART, for a kernel without write(),
 * and ends with ebreak, for one without exit(); else uses printf and exits with 0.
 *
 * Linux: yes without `direct`, but qemu-riscv64 looks only at the low 32 bits of the number.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syscall.h>
#include <uart.h>

int main(int argc, char *argv[])
{
    bool direct = argc > 1 && strcmp(argv[1], "direct") == 0;

    for (int i = direct ? 2 : 1; i < argc; i++) {
        long result = syscall6((long)strtoul(argv[i], NULL, 0), SYS_exit, SYS_exit, SYS_exit,
                               SYS_exit, SYS_exit, SYS_exit);
        char line[128];

        snprintf(line, sizeof(line), "call %s: %ld\n", argv[i], result);
        if (direct)
            console_direct(line);
        else
            printf("%s", line);
    }
    if (direct)
        __asm__ volatile("ebreak");
    return 0;
}
