/*
 * fault KIND [ADDRESS]: does what a program must not do, so that the kernel can end it and go on.
 *
 *     load ADDRESS, store ADDRESS     one byte
 *     fetch ADDRESS                   jumps there
 *     misaligned ADDRESS              an atomic instruction on 4 bytes there
 *     stack                           calls itself until there is no stack left
 *     illegal                         an instruction that will never exist
 *     csr                             reads sstatus
 *     sret, mret                      returns from a trap, which is not the program's to do
 *     ebreak                          a breakpoint with no debugger
 *
 * Prints "before KIND" first; if it lives on, "survived", and exits with 99. Misuse exits with 2.
 * ADDRESS is hexadecimal. The faulting instruction is at the label fault_KIND (for fetch the pc is
 * ADDRESS). Linux: yes (SIGSEGV, SIGBUS, SIGILL or SIGTRAP).
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Each begins with the instruction that faults, so that its address is the expected pc. */
void fault_load(unsigned long address);
void fault_store(unsigned long address);
void fault_fetch(unsigned long address);
void fault_misaligned(unsigned long address);
void fault_illegal(unsigned long unused);
void fault_csr(unsigned long unused);
void fault_sret(unsigned long unused);
void fault_mret(unsigned long unused);
void fault_ebreak(unsigned long unused);

__asm__(".pushsection .text\n"
        ".macro FAULT name, instruction:vararg\n"
        "    .globl  fault_\\name\n"
        "    .type   fault_\\name, @function\n"
        "    .balign 4\n"
        "fault_\\name:\n"
        "    \\instruction\n"
        "    ret\n"
        "    .size   fault_\\name, . - fault_\\name\n"
        ".endm\n"
        "FAULT load, lb a0, 0(a0)\n"
        "FAULT store, sb zero, 0(a0)\n"
        "FAULT fetch, jr a0\n"
        "FAULT misaligned, amoadd.w a0, zero, (a0)\n"
        "FAULT illegal, .word 0\n"
        "FAULT csr, csrr a0, sstatus\n"
        "FAULT sret, sret\n"
        "FAULT mret, mret\n"
        "FAULT ebreak, ebreak\n"
        ".popsection\n");

static void fault_stack(unsigned long depth)
{
    volatile char room[1000];

    room[depth % sizeof(room)] = 1;
    if (depth < 1UL << 40)
        fault_stack(depth + 1);
    room[depth % sizeof(room)] = 2;
}

struct kind {
    const char *name;
    void (*fault)(unsigned long address);
};

static const struct kind kinds[] = {
    {"load", fault_load},
    {"store", fault_store},
    {"fetch", fault_fetch},
    {"sret", fault_sret},
    {"misaligned", fault_misaligned},
    {"illegal", fault_illegal},
    {"csr", fault_csr},
    {"mret", fault_mret},
    {"ebreak", fault_ebreak},
    {"stack", fault_stack},
};

int main(int argc, char *argv[])
{
    unsigned long address = argc > 2 ? strtoul(argv[2], NULL, 16) : 0;

    for (size_t i = 0; argc > 1 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(argv[1], kinds[i].name) != 0)
            continue;
        printf("before %s\n", kinds[i].name); /* the newline writes it: nothing may be held back */
        kinds[i].fault(address);
        puts("survived");
        return 99;
    }
    dprintf(STDERR_FILENO, "usage: fault load|store|fetch|misaligned ADDRESS, or "
                           "fault stack|illegal|csr|sret|mret|ebreak\n");
    return 2;
}
