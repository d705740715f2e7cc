/*
 * riscv.h: the supervisor-level CSRs and their bits.
 *
 * Source: The RISC-V Instruction Set Manual, Volume II (privileged architecture), chapter
 * "Supervisor-Level ISA".  Usable from assembly too.
 */
#ifndef RISCV_H
#define RISCV_H

/* sstatus */
#define SSTATUS_SIE (1 << 1)  /* supervisor interrupts enabled (in supervisor mode) */
#define SSTATUS_SPIE (1 << 5) /* what sret copies into SIE */
#define SSTATUS_SPP (1 << 8)  /* where a trap came from and sret goes to: 1 supervisor, 0 user */
#define SSTATUS_FS_SHIFT 13   /* floating-point state: 0 off, 1 initial, 2 clean, 3 dirty */
#define SSTATUS_FS (3 << SSTATUS_FS_SHIFT)
#define SSTATUS_FS_INITIAL (1 << SSTATUS_FS_SHIFT)

/* sie, sip */
#define SIE_STIE (1 << 5) /* timer */
#define SIE_SEIE (1 << 9) /* external: the PLIC */

/* scause: the top bit says interrupt, the rest is the code */
#define CAUSE_INTERRUPT (1UL << 63)
#define CAUSE_FETCH_MISALIGNED 0
#define CAUSE_FETCH_ACCESS 1
#define CAUSE_ILLEGAL_INSTRUCTION 2
#define CAUSE_BREAKPOINT 3
#define CAUSE_LOAD_MISALIGNED 4
#define CAUSE_LOAD_ACCESS 5
#define CAUSE_STORE_MISALIGNED 6
#define CAUSE_STORE_ACCESS 7
#define CAUSE_USER_ECALL 8
#define CAUSE_FETCH_PAGE 12
#define CAUSE_LOAD_PAGE 13
#define CAUSE_STORE_PAGE 15
#define CAUSE_TIMER (CAUSE_INTERRUPT | 5)
#define CAUSE_EXTERNAL (CAUSE_INTERRUPT | 9)

#ifndef __ASSEMBLER__
#include <stdint.h>

#define csr_read(csr)                                                    \
    ({                                                                   \
        uint64_t csr_value_;                                             \
        __asm__ volatile("csrr %0, " #csr : "=r"(csr_value_)::"memory"); \
        csr_value_;                                                      \
    })
#define csr_write(csr, value) \
    __asm__ volatile("csrw " #csr ", %0" ::"rK"((uint64_t)(value)) : "memory")
#define csr_set(csr, bits) __asm__ volatile("csrs " #csr ", %0" ::"rK"((uint64_t)(bits)) : "memory")
#define csr_clear(csr, bits) \
    __asm__ volatile("csrc " #csr ", %0" ::"rK"((uint64_t)(bits)) : "memory")
#endif

#endif
