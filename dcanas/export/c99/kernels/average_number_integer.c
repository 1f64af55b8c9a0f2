/* 32-bit floats computed by integers, for ties: a number stands for so many units of the last bit of the input's scale,
   and has at most 24 bits between its first and its last that is set. */
typedef int64_t number;

#if defined(__GNUC__)
#define SMALL __attribute__((noinline)) /* rarely called, and large where 64 bits are two words */
#else
#define SMALL
#endif

struct mean {
    int32_t multiplier;      /* see `struct ratio` */
    int32_t from, to, power; /* scales: 24 bits of the input's and of the output's, and 2^power of their quotient */
};

/* Divides by 2^bits; ties go to the even number. */
static SMALL number halved(number value, int32_t bits)
{
    return bits == 0 ? value : (value + (((number)1 << (bits - 1)) - 1) + (value >> bits & 1)) >> bits;
}

static SMALL number to_float(number value)
{
    number size = value < 0 ? -value : value;
    int32_t bits = 0;
    while (size >> bits > 0xFFFFFF) {
        bits++;
    }
    size = halved(size, bits) * ((number)1 << bits);
    return value < 0 ? -size : size;
}

static number dequantised(int32_t difference, const struct mean *mean)
{
    return to_float((number)difference * mean->from);
}

static number plus(number a, number b)
{
    return to_float(a + b);
}

/* The quotient, of a positive value, in units of 2^power. */
static SMALL number divided(number value, int32_t by, int32_t *power)
{
    while (value < (number)1 << 60) {
        value *= 2;
        --*power;
    }
    return to_float(value / by | (value % by != 0)); /* the last bit stands for all that follow */
}
