#include <stdint.h>
#include <uart.h>

void console_direct(const char *string)
{
    volatile uint8_t *uart = (volatile uint8_t *)UART_BASE;

    for (; *string != '\0'; string++) {
        while (!(uart[UART_LSR] & UART_LSR_THRE))
            ;
        uart[UART_THR] = (uint8_t)*string;
    }
}
