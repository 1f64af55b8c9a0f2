/* The sum of up to 128 values, in the order in which numpy adds them: it decides ties. */
static number block_sum(struct cursor *cursor, int32_t count, const struct average *layer)
{
    number lanes[8], sum = 0;
    int32_t i = 0;
    if (count >= 8) {
        for (i = 0; i < (count & ~7); i++) {
            const number value = dequantised(following(cursor) - layer->zero, &layer->mean);
            lanes[i & 7] = i < 8 ? value : plus(lanes[i & 7], value);
        }
        sum = plus(plus(plus(lanes[0], lanes[1]), plus(lanes[2], lanes[3])),
                   plus(plus(lanes[4], lanes[5]), plus(lanes[6], lanes[7])));
    }
    for (; i < count; i++) {
        sum = plus(sum, dequantised(following(cursor) - layer->zero, &layer->mean));
    }
    return sum;
}

/* Pairwise: more than 128 values are halved, at a multiple of 8, until blocks remain. */
static number pairwise_sum(struct cursor *cursor, int32_t count, const struct average *layer)
{
    int32_t open[40], opened = 1;
    number done[20];
    int32_t summed = 0;
    open[0] = count;
    while (opened > 0) {
        const int32_t size = open[--opened];
        if (size == 0) { /* both halves are there */
            summed--;
            done[summed - 1] = plus(done[summed - 1], done[summed]);
        } else if (size <= 128) {
            done[summed++] = block_sum(cursor, size, layer);
        } else {
            const int32_t half = size / 2 & ~7;
            open[opened++] = 0;
            open[opened++] = size - half;
            open[opened++] = half;
        }
    }
    return done[0];
}
