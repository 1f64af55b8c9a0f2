/* Answers `dcanas deploy source=DIR device=NAME`, which sends images over the serial line. */
#include <exchange.h>
#include <network.h>

static uint32_t arena[(NETWORK_ARENA_BYTES + 3) / 4];
static uint8_t image[NETWORK_IMAGE_BYTES];

static int readByte() {
  const unsigned long start = millis();
  while (Serial.available() <= 0) {
    if (millis() - start > 500) {
      return -1;
    }
  }
  return Serial.read();
}

static void writeText(const char *text) {
  Serial.print(text);
}

#if defined(__ARM_ARCH_7M__) || defined(__ARM_ARCH_7EM__) || defined(__ARM_ARCH_8M_MAIN__)
/* The counter of cycles of a Cortex-M3 or later. */
static void startTicks() {
  *(volatile uint32_t *)0xE000EDFC |= 1ul << 24;
  *(volatile uint32_t *)0xE0001FB0 = 0xC5ACCE55;
  *(volatile uint32_t *)0xE0001000 |= 1;
}

static uint32_t ticks() {
  return *(volatile uint32_t *)0xE0001004;
}
#else
static void startTicks() {}

static uint32_t ticks() {
  return micros();
}
#endif

static struct network_port port = {readByte, writeText, ticks, 0};

void setup() {
  Serial.begin(115200);
  startTicks();
  const unsigned long begin = micros();
  const uint32_t start = ticks();
  while (micros() - begin < 200000) {
  }
  port.hertz = 5 * (ticks() - start);
}

void loop() {
  network_exchange(&port, arena, image);
}
