#define CHANNELS NETWORK_CHANNELS
#define HALF ((int32_t)1 << 21)

/* 22 bits of a sum are a fraction. Shifts to the right keep the sign, as on every compiler for these processors. */
static int32_t rounded(int32_t sum)
{
    sum >>= 22;
    return sum < 0 ? 0 : sum > 255 ? 255 : sum;
}

/* The values of a pixel: red, green and blue, or the grey of them. */
static void taken(const uint8_t *pixel, int of_two_bytes, int32_t *values)
{
    int32_t red = pixel[0], green = pixel[1], blue;
    if (of_two_bytes) {
        const int32_t word = red << 8 | green;
        red = ((word >> 11) * 527 + 23) >> 6; /* 31 becomes 255; rounded */
        green = ((word >> 5 & 63) * 259 + 33) >> 6;
        blue = ((word & 31) * 527 + 23) >> 6;
    } else {
        blue = pixel[2];
    }
    if (CHANNELS == 1) {
        values[0] = (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16;
    } else {
        values[0] = red;
        values[CHANNELS / 2] = green;
        values[CHANNELS - 1] = blue;
    }
}

/* Each byte of the image is a sum over rows and columns of the frame; those of the inner loop are rounded, too. */
static void resized(const uint8_t *frame, int of_two_bytes, uint8_t *image)
{
    const int32_t size = of_two_bytes ? 2 : 3;
    int32_t row, column, channel, i, j;
    for (row = 0; row < NETWORK_HEIGHT; row++) {
        for (column = 0; column < NETWORK_WIDTH; column++) {
            const uint8_t *line = frame + (first_row[row] * NETWORK_FRAME_WIDTH + first_column[column]) * size;
            int32_t sums[CHANNELS];
            for (channel = 0; channel < CHANNELS; channel++) {
                sums[channel] = HALF;
            }
            for (i = 0; i < OUTER_TAPS; i++) {
                if (OUTER_WEIGHTS[i] != 0) {
                    const uint8_t *pixel = line;
                    int32_t inner[CHANNELS], values[CHANNELS];
                    for (channel = 0; channel < CHANNELS; channel++) {
                        inner[channel] = HALF;
                    }
                    for (j = 0; j < INNER_TAPS; j++) {
                        taken(pixel, of_two_bytes, values);
                        pixel += INNER_STEP * size;
                        for (channel = 0; channel < CHANNELS; channel++) {
                            inner[channel] += INNER_WEIGHTS[j] * values[channel];
                        }
                    }
                    for (channel = 0; channel < CHANNELS; channel++) {
                        sums[channel] += OUTER_WEIGHTS[i] * rounded(inner[channel]);
                    }
                }
                line += OUTER_STEP * size;
            }
            for (channel = 0; channel < CHANNELS; channel++) {
                *image++ = (uint8_t)rounded(sums[channel]);
            }
        }
    }
}

void network_resize_rgb888(const uint8_t *frame, uint8_t *image)
{
    resized(frame, 0, image);
}

void network_resize_rgb565(const uint8_t *frame, uint8_t *image)
{
    resized(frame, 1, image);
}
