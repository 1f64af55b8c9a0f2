static int8_t added(int32_t a, int32_t b, const struct addition *layer)
{
    return quantised((int64_t)a * layer->first.multiplier + (int64_t)b * layer->second.multiplier, &layer->bounds);
}
