/* Classifies an image that comes over the serial line: NETWORK_IMAGE_BYTES bytes, rows from the top. */
#include <network.h>

static uint32_t arena[(NETWORK_ARENA_BYTES + 3) / 4];
static uint8_t image[NETWORK_IMAGE_BYTES];
static int8_t logits[NETWORK_CLASSES];

void setup() {
  Serial.begin(115200);
  Serial.setTimeout(10000);
}

void loop() {
  if (Serial.readBytes((char *)image, NETWORK_IMAGE_BYTES) == NETWORK_IMAGE_BYTES) {
    network_run(arena, image, logits);
    Serial.println(network_labels[network_answer(logits)]);
  }
}
