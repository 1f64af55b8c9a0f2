/* Answers `dcanas deploy` on standard input and output; on a board of your own, give network_exchange its serial line and
   its counter of cycles instead. */
#include <stdio.h>
#include <time.h>

#include "exchange.h"
#include "network.h"

static uint32_t arena[(NETWORK_ARENA_BYTES + 3) / 4];
static uint8_t image[NETWORK_IMAGE_BYTES];

static int read_byte(void)
{
    return getchar();
}

static void write_text(const char *text)
{
    fputs(text, stdout);
    fflush(stdout);
}

static uint32_t ticks(void)
{
    return (uint32_t)clock();
}

int main(void)
{
    const struct network_port port = {read_byte, write_text, ticks, (uint32_t)CLOCKS_PER_SEC};
    while (!feof(stdin)) {
        network_exchange(&port, arena, image);
    }
    return 0;
}
