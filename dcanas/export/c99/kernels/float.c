/* Arithmetic of 32-bit floats, as the ONNX file defines it: values are dequantised, computed and rounded, ties to even.
   Compile with -ffp-contract=off (the default of -std=c99): fused multiply-adds round once instead of twice. */

#if defined(__FAST_MATH__) || (defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ % 16 != 0)
#error "needs floats rounded to 32 bits: no -ffast-math, no x87"
#endif

struct bounds {
    int32_t offset; /* the zero point less the bits of 1.5 * 2^23 */
    int8_t low, high;
};

struct ratio {
    float from, to;
};

/* Rounds: beside 1.5 * 2^23 a float has no bits left for a fraction, and its lowest bits are the integer. */
static int8_t quantised(float value, const struct bounds *bounds)
{
    int32_t byte;
#ifdef NETWORK_WIDE /* values beyond +-2^22 can occur */
    value = value > 1000000.0f ? 1000000.0f : value;
    value = value < -1000000.0f ? -1000000.0f : value;
#endif
    value += 12582912.0f;
    memcpy(&byte, &value, sizeof byte);
    byte += bounds->offset;
    byte = byte < bounds->low ? bounds->low : byte;
#ifdef NETWORK_CAPPED /* there are upper bounds other than 127 */
    byte = byte > bounds->high ? bounds->high : byte;
#endif
    return (int8_t)(byte > 127 ? 127 : byte);
}
