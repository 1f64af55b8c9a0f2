/* What floats would give, in the same order. */
static SMALL number in_floats(struct cursor *cursor, int32_t count, const struct average *layer)
{
    int32_t power = layer->mean.power;
    const number sum = pairwise_sum(cursor, count, layer);
    number size = sum < 0 ? -sum : sum;
    if (size == 0) {
        return 0;
    }
    size = divided(divided(size, count, &power), layer->mean.to, &power);
    size = power < -62 ? 0 : power < 0 ? halved(size, -power) : size;
    return sum < 0 ? -size : size;
}

/* Rounded once; only where that is a tie or next to one, as those of one scale often are, rounding errors of floats
   decide. */
static int8_t averaged(struct cursor *cursor, int32_t count, const struct average *layer)
{
    struct cursor again = *cursor;
    const uint8_t shift = layer->bounds.shift;
    const int64_t step = (int64_t)count * 2 * ((int64_t)1 << shift);
    const int64_t near = (step >> 11) * (1 + ((int64_t)layer->mean.multiplier >> shift)); /* more than floats err by */
    int64_t value = 0, quotient, rest;
    int32_t i;
    for (i = 0; i < count; i++) {
        value += following(cursor) - layer->zero;
    }
    value = 2 * value * layer->mean.multiplier + step / 2;
    quotient = value / step;
    rest = value % step;
    if (rest < 0) {
        quotient--;
        rest += step;
    }
    if (rest <= near || step - rest <= near) {
        quotient = in_floats(&again, count, layer);
    }
    return bounded(quotient + layer->bounds.zero, &layer->bounds);
}
