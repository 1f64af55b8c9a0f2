/* Per channel a factor and a summand. */
typedef int32_t statistic;
#define STATISTICS 2

static int8_t normalised(int32_t difference, const statistic *with, const struct ratio *ratio,
                         const struct bounds *bounds)
{
    (void)ratio;
    return quantised((int64_t)difference * with[0] + with[1], bounds);
}
