static void add(const struct addition *layer, const int8_t *a, const int8_t *b, int8_t *output)
{
    int32_t i;
    for (i = 0; i < layer->count; i++) {
        output[i] = added(a[i] - layer->zero_a, b[i] - layer->zero_b, layer);
    }
}
