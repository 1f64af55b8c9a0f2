static int8_t rescaled(int32_t difference, const struct ratio *ratio, const struct bounds *bounds)
{
    return quantised((float)difference * ratio->from / ratio->to, bounds);
}
