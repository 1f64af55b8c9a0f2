typedef float multiplier;

static int8_t requantised(int32_t sum, multiplier scale, const struct bounds *bounds)
{
    return quantised((float)sum * scale, bounds);
}
