/* Requests are lines; an image's bytes follow one. What counts of the answers begins with the request's token.
     dcanas hello TOKEN           TOKEN network ID HEIGHT WIDTH CHANNELS CLASSES HERTZ
     dcanas image TOKEN CRC-32    TOKEN logits TICKS BYTE BYTE ..., or TOKEN damaged */
#include "exchange.h"

#include <string.h>

#include "network.h"

#define TOKEN 16 /* characters */
#define BEGIN 13 /* those of "dcanas hello " */

/* Writes a number behind a space. */
static void write_number(const struct network_port *port, uint32_t number, int negative)
{
    char text[13], *digit = text + sizeof text - 1;
    *digit = 0;
    do {
        *--digit = (char)('0' + number % 10u);
        number /= 10u;
    } while (number != 0);
    if (negative) {
        *--digit = '-';
    }
    *--digit = ' ';
    port->write(digit);
}

/* Reads a line without its end; returns 0 if none comes, or it is none of ours. */
static int read_line(const struct network_port *port, char *line, int32_t room)
{
    int32_t length = 0;
    for (;;) {
        const int byte = port->read();
        if (byte < 0) {
            return 0;
        }
        if (byte == '\n' && length < room) {
            line[length] = 0;
            return 1;
        }
        if (byte == '\n') {
            return 0;
        }
        if (length < room) {
            line[length++] = (char)byte;
        }
    }
}

static uint32_t crc_32(const uint8_t *bytes, int32_t count)
{
    uint32_t crc = 0xFFFFFFFFu;
    int32_t i;
    int bit;
    for (i = 0; i < count; i++) {
        crc ^= bytes[i];
        for (bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1u ? 0xEDB88320u : 0u);
        }
    }
    return ~crc;
}

static uint32_t hexadecimal(const char *text)
{
    uint32_t value = 0;
    for (; *text != 0; text++) {
        value = value << 4 | (uint32_t)(*text <= '9' ? *text - '0' : *text - 'a' + 10);
    }
    return value;
}

static void answer_hello(const struct network_port *port)
{
    port->write(" network " NETWORK_ID);
    write_number(port, NETWORK_HEIGHT, 0);
    write_number(port, NETWORK_WIDTH, 0);
    write_number(port, NETWORK_CHANNELS, 0);
    write_number(port, NETWORK_CLASSES, 0);
    write_number(port, port->hertz, 0);
}

static void answer_image(const struct network_port *port, uint32_t sum, void *arena, uint8_t *image)
{
    int8_t logits[NETWORK_CLASSES];
    uint32_t start;
    int i;
    if (crc_32(image, NETWORK_IMAGE_BYTES) != sum) {
        port->write(" damaged");
        return;
    }
    start = port->ticks();
    network_run(arena, image, logits);
    start = port->ticks() - start;
    port->write(" logits");
    write_number(port, start, 0);
    for (i = 0; i < NETWORK_CLASSES; i++) {
        write_number(port, (uint32_t)(logits[i] < 0 ? -logits[i] : logits[i]), logits[i] < 0);
    }
}

void network_exchange(const struct network_port *port, void *arena, uint8_t *image)
{
    char line[BEGIN + TOKEN + 12];
    int32_t i;
    int hello;
    if (!read_line(port, line, (int32_t)sizeof line) || strlen(line) < BEGIN + TOKEN) {
        return;
    }
    hello = strncmp(line, "dcanas hello ", BEGIN) == 0;
    if (!hello && (strncmp(line, "dcanas image ", BEGIN) != 0 || strlen(line) != BEGIN + TOKEN + 9)) {
        return;
    }
    for (i = 0; !hello && i < NETWORK_IMAGE_BYTES; i++) {
        const int byte = port->read();
        if (byte < 0) {
            return;
        }
        image[i] = (uint8_t)byte;
    }
    if (hello) {
        line[BEGIN + TOKEN] = 0;
        port->write(line + BEGIN);
        answer_hello(port);
    } else {
        const uint32_t sum = hexadecimal(line + BEGIN + TOKEN + 1);
        line[BEGIN + TOKEN] = 0;
        port->write(line + BEGIN);
        answer_image(port, sum, arena, image);
    }
    port->write("\n");
}
