/* The bytes of the image through one table per channel. */
static void look_up(const int8_t *table, int32_t pixels, int32_t channels, const uint8_t *image, int8_t *output)
{
    int32_t pixel, channel;
    for (pixel = 0; pixel < pixels; pixel++) {
        for (channel = 0; channel < channels; channel++) {
            *output++ = table[256 * channel + *image++];
        }
    }
}
