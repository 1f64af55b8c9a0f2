#define TAP \
    a += at[0] * kernel[0]; \
    b += at[1] * kernel[1]; \
    c += at[2] * kernel[2]; \
    d += at[3] * kernel[3]; \
    at += step_x; \
    kernel += channels

/* Four channels at a time, three taps without a loop. kernel: in the order of the image. */
static void convolve_depthwise(const struct convolution *layer, const int8_t *input, int8_t *output, int8_t *scratch)
{
    const struct window *window = &layer->window;
    const int32_t channels = window->channels;
    const int32_t far_y = (window->size_y - 1) * window->dilation_y, far_x = (window->size_x - 1) * window->dilation_x;
    int32_t row, column, channel, tap_y, tap_x;
    for (row = 0; row < window->rows; row++) {
        const int32_t y = row * window->stride_y - window->top;
        for (column = 0; column < window->columns; column++) {
            const int32_t x = column * window->stride_x - window->left;
            const int8_t *patch = scratch;
            int32_t step_y = window->size_x * channels, step_x = channels;
            if (y < 0 || x < 0 || y + far_y >= window->height || x + far_x >= window->width) {
                gather(window, input, y, x, channels, layer->zero, scratch);
            } else {
                patch = input + (y * window->width + x) * channels;
                step_x = window->dilation_x * channels;
                step_y = window->dilation_y * window->width * channels;
            }
            for (channel = 0; channel + 3 < channels; channel += 4) {
                const int32_t *bias = layer->bias + channel;
                const multiplier *scale = layer->scale + channel;
                const int8_t *kernel = layer->kernel + channel, *line = patch + channel;
                int32_t a = bias[0], b = bias[1], c = bias[2], d = bias[3];
                for (tap_y = window->size_y; tap_y != 0; tap_y--, line += step_y) {
                    const int8_t *at = line;
                    tap_x = window->size_x;
                    for (; tap_x >= 3; tap_x -= 3) {
                        TAP;
                        TAP;
                        TAP;
                    }
                    for (; tap_x > 0; tap_x--) {
                        TAP;
                    }
                }
                output[0] = requantised(a, scale[0], &layer->bounds);
                output[1] = requantised(b, scale[1], &layer->bounds);
                output[2] = requantised(c, scale[2], &layer->bounds);
                output[3] = requantised(d, scale[3], &layer->bounds);
                output += 4;
            }
            for (; channel < channels; channel++) {
                const int8_t *kernel = layer->kernel + channel;
                int32_t sum = layer->bias[channel];
                for (tap_y = 0; tap_y < window->size_y; tap_y++) {
                    for (tap_x = 0; tap_x < window->size_x; tap_x++, kernel += channels) {
                        sum += patch[tap_y * step_y + tap_x * step_x + channel] * *kernel;
                    }
                }
                *output++ = requantised(sum, layer->scale[channel], &layer->bounds);
            }
        }
    }
}
