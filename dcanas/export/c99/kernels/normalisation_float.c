/* Per channel weight, mean, deviation and bias. */
typedef float statistic;
#define STATISTICS 4

static int8_t normalised(int32_t difference, const statistic *with, const struct ratio *ratio,
                         const struct bounds *bounds)
{
    const float value = (float)difference * ratio->from;
    return quantised((with[0] * (value - with[1]) / with[2] + with[3]) / ratio->to, bounds);
}
