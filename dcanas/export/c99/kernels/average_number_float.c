typedef float number;

struct mean {
    float from, to; /* scales */
};

static number dequantised(int32_t difference, const struct mean *mean)
{
    return (float)difference * mean->from;
}

static number plus(number a, number b)
{
    return a + b;
}
