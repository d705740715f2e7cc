/*
 * startup [ARGUMENT]...: what the kernel put on the stack. Prints
 *     sp is 16-byte aligned               or "sp is 0x..., not 16-byte aligned"
 *     argc = N
 *     argv[I] = ...                       for each
 *     argv[argc] is null                  or "argv[argc] is not null"
 *     envp has N strings                  or "envp does not end" (within 4096 entries)
 * Exits with 0, or 1 if something was wrong. Linux: yes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define ENV_MAX 4096

int main(int argc, char *argv[], char *envp[])
{
    unsigned long sp = (unsigned long)argv - 8; /* where crt0 found argc */
    bool ok = true;
    int n = 0;

    if (sp % 16 == 0) {
        puts("sp is 16-byte aligned");
    } else {
        printf("sp is 0x%lx, not 16-byte aligned\n", sp);
        ok = false;
    }
    printf("argc = %d\n", argc);
    for (int i = 0; i < argc; i++)
        printf("argv[%d] = %s\n", i, argv[i]);
    if (argv[argc] == NULL) {
        puts("argv[argc] is null");
    } else {
        puts("argv[argc] is not null");
        ok = false;
    }
    while (n < ENV_MAX && envp[n] != NULL)
        n++;
    if (n < ENV_MAX) {
        printf("envp has %d strings\n", n);
    } else {
        puts("envp does not end");
        ok = false;
    }
    return ok ? 0 : 1;
}
