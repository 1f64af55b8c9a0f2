/* Classifies the images of images.bin into logits.bin, and says what the first one took. */
#include "harness.h"
#include "network.h"

static uint32_t arena[(NETWORK_ARENA_BYTES + 3) / 4];
static uint8_t image[NETWORK_IMAGE_BYTES];
static int8_t logits[NETWORK_CLASSES];

#define SYSTICK_CONTROL (*(volatile uint32_t *)0xE000E010u)
#define SYSTICK_RELOAD (*(volatile uint32_t *)0xE000E014u)
#define SYSTICK_VALUE (*(volatile uint32_t *)0xE000E018u)

static int32_t opened(const char *name, int32_t length, int32_t mode)
{
    struct { const char *name; int32_t mode, length; } block;
    block.name = name;
    block.mode = mode;
    block.length = length;
    return semihost(0x01, &block);
}

static int32_t transferred(int32_t operation, int32_t file, void *bytes, int32_t length)
{
    struct { int32_t file; void *bytes; int32_t length; } block;
    block.file = file;
    block.bytes = bytes;
    block.length = length;
    return semihost(operation, &block);
}

static void say(const char *what, uint32_t number)
{
    char text[12], *digit = text + sizeof text - 1;
    *digit = 0;
    *--digit = '\n';
    do {
        *--digit = (char)('0' + number % 10u);
        number /= 10u;
    } while (number != 0);
    semihost(0x04, what);
    semihost(0x04, digit);
}

int main(void)
{
    const int32_t images = opened("images.bin", 10, 1), answers = opened("logits.bin", 10, 5);
    int first = 1;
    while (transferred(0x06, images, image, NETWORK_IMAGE_BYTES) == 0) {
        uint32_t start, end;
        SYSTICK_RELOAD = 0xFFFFFFu;
        SYSTICK_VALUE = 0;
        SYSTICK_CONTROL = 5; /* the processor's clock */
        start = SYSTICK_VALUE;
        while (start == 0) {
            start = SYSTICK_VALUE;
        }
        network_run(arena, image, logits);
        end = SYSTICK_VALUE;
        if (first) {
            say("wrapped ", SYSTICK_CONTROL >> 16 & 1u);
            say("ticks ", start - end);
            first = 0;
        }
        transferred(0x05, answers, logits, NETWORK_CLASSES);
    }
    say("stack ", stack_used());
    return 0;
}
