/*
 * console.c: the 16550 serial port, polled.
 * Source: the datasheet of National Semiconductor's PC16550D.
 */
#include "console.h"

#include <stdint.h>

#include "platform.h"

enum {
    UART_DATA = 0, /* receive, transmit */
    UART_FIFO = 2, /* write: FIFO control */
    UART_STATUS = 5,
    FIFO_ENABLE = 1,
    STATUS_RECEIVED = 1 << 0,
    STATUS_TRANSMIT_EMPTY = 1 << 5,
    FIFO_DEPTH = 16,
};

static bool line_start = true;

static volatile uint8_t *uart(unsigned reg)
{
    return (volatile uint8_t *)(UART0 + reg);
}

void console_init(void)
{
    *uart(UART_FIFO) = FIFO_ENABLE;
}

void console_write(const void *bytes, size_t size)
{
    const uint8_t *b = bytes;
    size_t room = 0;
    for (size_t i = 0; i < size; i++) {
        /* An empty transmitter takes FIFO_DEPTH bytes: ask once for so many. */
        if (room == 0) {
            while (!(*uart(UART_STATUS) & STATUS_TRANSMIT_EMPTY))
                ;
            room = FIFO_DEPTH;
        }
        *uart(UART_DATA) = b[i];
        room--;
    }
    if (size > 0)
        line_start = b[size - 1] == '\n';
}

int console_read(void)
{
    return *uart(UART_STATUS) & STATUS_RECEIVED ? *uart(UART_DATA) : -1;
}

bool console_at_line_start(void)
{
    return line_start;
}
