static int8_t added(int32_t a, int32_t b, const struct addition *layer)
{
    return quantised(((float)a * layer->first.from + (float)b * layer->second.from) / layer->first.to, &layer->bounds);
}
