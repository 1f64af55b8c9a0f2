/* Ties go to the even number: with one scale they are frequent, and rounded up they would add up. */
static int8_t averaged(struct cursor *cursor, int32_t count, const struct average *layer)
{
    const int64_t divisor = (int64_t)count << layer->bounds.shift;
    int64_t value = 0, quotient;
    int32_t i;
    for (i = 0; i < count; i++) {
        value += following(cursor) - layer->zero;
    }
    value = 2 * value * layer->ratio.multiplier + divisor; /* rounded: the floor of value / (2 * divisor) */
    quotient = value / (2 * divisor);
    if (value % (2 * divisor) < 0) {
        quotient--;
    }
    if (value % (2 * divisor) == 0) {
        quotient &= ~(int64_t)1;
    }
    return bounded(quotient + layer->bounds.zero, &layer->bounds);
}
