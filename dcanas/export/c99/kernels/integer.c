/* Arithmetic of integers alone: a value is multiplied by an integer and divided by a power of two, rounded once.
   Shifts to the right keep the sign, as on every compiler for these processors. */

struct bounds {
    int8_t zero, low, high;
    uint8_t shift;
};

struct ratio {
    int32_t multiplier;
};

static int8_t bounded(int64_t byte, const struct bounds *bounds)
{
    if (byte < bounds->low) {
        return bounds->low;
    }
    return byte > bounds->high ? bounds->high : (int8_t)byte;
}

static int8_t quantised(int64_t value, const struct bounds *bounds)
{
    return bounded(((value + ((int64_t)1 << (bounds->shift - 1))) >> bounds->shift) + bounds->zero, bounds);
}
