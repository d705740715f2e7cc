/*
 * Straight to the serial port (a 16550 at 0x10000000 on QEMU's "virt"), without the kernel. Works
 * only while there is no paging, in labs 1 and 2: it is there for the first steps, when write()
 * does not exist yet. A kernel that protects itself would not let a program do this.
 */
#ifndef USER_UART_H
#define USER_UART_H

#define UART_BASE 0x10000000
#define UART_THR 0         /* write: the byte to transmit */
#define UART_LSR 5         /* read: line status */
#define UART_LSR_THRE 0x20 /* THR can take a byte; storing before would lose one */

#ifdef __ASSEMBLER__

/* Transmits the byte in register \byte. Clobbers t0 and t1, which \byte must not be. */
.macro CONSOLE_DIRECT_BYTE byte
    li      t0, UART_BASE
771:
    lbu     t1, UART_LSR(t0)
    andi    t1, t1, UART_LSR_THRE
    beqz    t1, 771b
    sb      \byte, UART_THR(t0)
.endm

/* Transmits the NUL-terminated string at label \string. Clobbers t0-t3; does not need gp. */
.macro CONSOLE_DIRECT string
    .option push
    .option norelax
    la      t2, \string
    .option pop
772:
    lbu     t3, 0(t2)
    beqz    t3, 773f
    CONSOLE_DIRECT_BYTE t3
    addi    t2, t2, 1
    j       772b
773:
.endm

#else

/* Transmits a string. Returns when its last byte has been given to the device. */
void console_direct(const char *string);

#endif
#endif
