static int8_t rescaled(int32_t difference, const struct ratio *ratio, const struct bounds *bounds)
{
    return quantised((int64_t)difference * ratio->multiplier, bounds);
}
