static int8_t averaged(struct cursor *cursor, int32_t count, const struct average *layer)
{
    return quantised(pairwise_sum(cursor, count, layer) / (float)count / layer->mean.to, &layer->bounds);
}
