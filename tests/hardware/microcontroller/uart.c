/* `network_exchange` over the first serial line of the machine that QEMU emulates. */
#include "exchange.h"
#include "network.h"

#define DATA (*(volatile uint32_t *)0x40004000u)
#define STATE (*(volatile uint32_t *)0x40004004u)
#define CONTROL (*(volatile uint32_t *)0x40004008u)
#define DIVIDER (*(volatile uint32_t *)0x40004010u)
#define SYSTICK_CONTROL (*(volatile uint32_t *)0xE000E010u)
#define SYSTICK_RELOAD (*(volatile uint32_t *)0xE000E014u)
#define SYSTICK_VALUE (*(volatile uint32_t *)0xE000E018u)

static uint32_t arena[(NETWORK_ARENA_BYTES + 3) / 4];
static uint8_t image[NETWORK_IMAGE_BYTES];

static uint32_t ticks(void)
{
    return 0u - (SYSTICK_VALUE << 8); /* 24 bits that count down */
}

static int read_byte(void)
{
    const uint32_t start = ticks();
    while ((STATE & 2u) == 0) {
        if ((ticks() - start) >> 8 > 12500000u) { /* half a second of 25 MHz */
            return -1;
        }
    }
    return (int)DATA;
}

static void write_text(const char *text)
{
    for (; *text != 0; text++) {
        while (STATE & 1u) {
        }
        DATA = (uint32_t)*text;
    }
}

static uint32_t counted(void)
{
    return ticks() >> 8;
}

int main(void)
{
    const struct network_port port = {read_byte, write_text, counted, 25000000u};
    DIVIDER = 16;
    CONTROL = 3;
    SYSTICK_RELOAD = 0xFFFFFFu;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = 5;
    for (;;) {
        network_exchange(&port, arena, image);
    }
}
