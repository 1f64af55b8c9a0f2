struct normalisation {
    int32_t pixels, channels;
    struct bounds bounds;
    int8_t zero;
    struct ratio ratio;
    const statistic *statistics;
};

static void normalise(const struct normalisation *layer, const int8_t *input, int8_t *output)
{
    int32_t pixel, channel;
    for (pixel = 0; pixel < layer->pixels; pixel++) {
        for (channel = 0; channel < layer->channels; channel++) {
            *output++ = normalised(*input++ - layer->zero, layer->statistics + STATISTICS * channel, &layer->ratio,
                                   &layer->bounds);
        }
    }
}
