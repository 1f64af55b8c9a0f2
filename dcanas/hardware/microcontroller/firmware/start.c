/* Start-up of a Cortex-M processor, and the host's files through semihosting: the harness around the network. */
#include <stdint.h>

#include "harness.h"

extern uint32_t stack_low[], stack_top[], data_load[], data_start[], data_end[], bss_start[], bss_end[];
int main(void);
void reset(void);
void fault(void);

#define PAINT 0xA5A5A5A5u

int32_t semihost(int32_t operation, const void *block)
{
    register int32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = block;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void leave(int32_t reason)
{
    semihost(0x18, (const void *)reason);
    for (;;) {
    }
}

void fault(void)
{
    semihost(0x04, "fault\n");
    leave(0x20023);
}

void reset(void)
{
    uint32_t *from = data_load, *to;
#if defined(__ARM_FP)
    *(volatile uint32_t *)0xE000ED88u |= 0xF00000u; /* switch on the unit for floats */
#endif
    for (to = data_start; to < data_end;) {
        *to++ = *from++;
    }
    for (to = bss_start; to < bss_end;) {
        *to++ = 0;
    }
    for (to = stack_low; to < (uint32_t *)__builtin_frame_address(0) - 16;) {
        *(volatile uint32_t *)to++ = PAINT;
    }
    main();
    leave(0x20026);
}

uint32_t stack_used(void)
{
    const uint32_t *at = stack_low;
    while (at < stack_top && *at == PAINT) {
        at++;
    }
    return (uint32_t)((const char *)stack_top - (const char *)at);
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    stack_top, (const void *)reset, (const void *)fault, (const void *)fault,
    (const void *)fault, (const void *)fault, (const void *)fault,
};
