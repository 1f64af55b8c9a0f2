/* The sum of up to 128 values, in the order in which numpy adds them: it decides ties. */
static float block_sum(struct cursor *cursor, int32_t count, const struct average *layer)
{
    float lanes[8], sum = 0.0f;
    int32_t i = 0;
    if (count >= 8) {
        for (i = 0; i < (count & ~7); i++) {
            const float value = (float)(following(cursor) - layer->zero) * layer->ratio.from;
            lanes[i & 7] = i < 8 ? value : lanes[i & 7] + value;
        }
        sum = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
    }
    for (; i < count; i++) {
        sum += (float)(following(cursor) - layer->zero) * layer->ratio.from;
    }
    return sum;
}

/* Pairwise: more than 128 values are halved, at a multiple of 8, until blocks remain. */
static int8_t averaged(struct cursor *cursor, int32_t count, const struct average *layer)
{
    int32_t open[40], opened = 1;
    float done[20];
    int32_t summed = 0;
    open[0] = count;
    while (opened > 0) {
        const int32_t size = open[--opened];
        if (size == 0) { /* both halves are there */
            summed--;
            done[summed - 1] += done[summed];
        } else if (size <= 128) {
            done[summed++] = block_sum(cursor, size, layer);
        } else {
            const int32_t half = size / 2 & ~7;
            open[opened++] = 0;
            open[opened++] = size - half;
            open[opened++] = half;
        }
    }
    return quantised(done[0] / (float)count / layer->ratio.to, &layer->bounds);
}
