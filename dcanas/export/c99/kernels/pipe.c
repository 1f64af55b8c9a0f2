/* Classifies the images that come on standard input, and writes their logits to standard output. */
#include "network.h"

#include <stdio.h>

static uint32_t arena[(NETWORK_ARENA_BYTES + 3) / 4];
static uint8_t image[NETWORK_IMAGE_BYTES];
static int8_t logits[NETWORK_CLASSES];

int main(void)
{
    while (fread(image, 1, sizeof image, stdin) == sizeof image) {
        network_run(arena, image, logits);
        fwrite(logits, 1, sizeof logits, stdout);
    }
    return 0;
}
