#ifndef HARNESS_H
#define HARNESS_H

#include <stdint.h>

/* A request to the emulator or the debugger. */
int32_t semihost(int32_t operation, const void *block);

/* Bytes of the stack that have been written since the start. */
uint32_t stack_used(void);

#endif
