/* The same values in other bytes, into `channels` of the `total` channels of the output. */
struct rescale {
    int32_t pixels;
    int16_t channels, total;
    struct bounds bounds;
    int8_t zero;
    struct ratio ratio;
};

static void rescale(const struct rescale *layer, const int8_t *input, int8_t *output)
{
    int32_t pixel, channel;
    for (pixel = 0; pixel < layer->pixels; pixel++) {
        for (channel = 0; channel < layer->channels; channel++) {
            output[channel] = rescaled(*input++ - layer->zero, &layer->ratio, &layer->bounds);
        }
        output += layer->total;
    }
}
