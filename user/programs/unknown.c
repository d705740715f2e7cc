/*
 * unknown [direct] NUMBER[,ARGUMENT]...: makes system calls that do not exist. A kernel that takes
 * the number for an index, or looks at half of it, does something else than say -ENOSYS.
 *
 * Arguments that are not given are the number of a call that exists, exit, for a kernel that looks
 * for the number in a wrong register. NUMBER and up to six ARGUMENTs are decimal or hexadecimal (0x),
 * 64 bits. For each NUMBER prints
 *     call NUMBER: RESULT
 * with NUMBER, and what was given with it, as given. With `direct` prints straight to the UART, for a kernel without write(),
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
        char *at, line[192];
        unsigned long number = strtoul(argv[i], &at, 0);
        long with[] = {SYS_exit, SYS_exit, SYS_exit, SYS_exit, SYS_exit, SYS_exit};

        for (int n = 0; n < 6 && *at == ','; n++)
            with[n] = (long)strtoul(at + 1, &at, 0);
        long result = syscall6((long)number, with[0], with[1], with[2], with[3], with[4], with[5]);

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
