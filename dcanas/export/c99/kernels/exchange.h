#ifndef NETWORK_EXCHANGE_H
#define NETWORK_EXCHANGE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A serial line, and a clock. */
struct network_port {
    int (*read)(void);              /* the next byte; -1 if none comes for half a second */
    void (*write)(const char *text);
    uint32_t (*ticks)(void);        /* the processor's cycles or whatever else is counted; may wrap at 2^32 */
    uint32_t hertz;                 /* ticks in a second */
};

/* Waits for a request of `dcanas deploy` and answers it; returns also if none comes.
   arena: as network_run takes it. image: NETWORK_IMAGE_BYTES bytes. */
void network_exchange(const struct network_port *port, void *arena, uint8_t *image);

#ifdef __cplusplus
}
#endif

#endif
