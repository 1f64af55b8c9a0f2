typedef int32_t multiplier;

static int8_t requantised(int32_t sum, multiplier scale, const struct bounds *bounds)
{
    return quantised((int64_t)sum * scale, bounds);
}
