/* Says over the serial line how many images of selftest.c are answered otherwise: 0 is right. */
#include <network.h>

extern "C" int network_selftest(void *arena);

static uint32_t arena[(NETWORK_ARENA_BYTES + 3) / 4];

void setup() {
  Serial.begin(115200);
}

void loop() {
  const unsigned long start = micros();
  const int different = network_selftest(arena);
  const unsigned long taken = micros() - start;
  Serial.print("different answers: ");
  Serial.print(different);
  Serial.print(", microseconds: ");
  Serial.println(taken);
  delay(2000);
}
