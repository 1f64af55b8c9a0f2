/* Four channels at a time. kernel: for each four channels, for each tap, their bytes; then those of single channels. */
static void convolve_depthwise(const struct convolution *layer, const int8_t *input, int8_t *output, int8_t *scratch)
{
    const struct window *window = &layer->window;
    const int32_t channels = window->channels, size_y = window->size_y, size_x = window->size_x;
    const int32_t far_y = (size_y - 1) * window->dilation_y, far_x = (size_x - 1) * window->dilation_x;
    int32_t row, column, channel, tap_y, tap_x;
    for (row = 0; row < window->rows; row++) {
        const int32_t y = row * window->stride_y - window->top;
        for (column = 0; column < window->columns; column++) {
            const int32_t x = column * window->stride_x - window->left;
            const int8_t *patch = scratch, *kernel;
            int32_t step_y = size_x * channels, step_x = channels;
            if (y < 0 || x < 0 || y + far_y >= window->height || x + far_x >= window->width) {
                gather(window, input, y, x, channels, layer->zero, scratch);
            } else {
                patch = input + (y * window->width + x) * channels;
                step_x = window->dilation_x * channels;
                step_y = window->dilation_y * window->width * channels;
            }
            kernel = layer->kernel;
            for (channel = 0; channel < (channels & ~3); channel += 4) {
                const int32_t *bias = layer->bias + channel;
                const multiplier *scale = layer->scale + channel;
                const int8_t *line = patch + channel;
                int32_t a = bias[0], b = bias[1], c = bias[2], d = bias[3];
                tap_y = size_y;
                do {
                    const int8_t *at = line;
                    tap_x = size_x;
                    do {
                        a += at[0] * kernel[0];
                        b += at[1] * kernel[1];
                        c += at[2] * kernel[2];
                        d += at[3] * kernel[3];
                        at += step_x;
                        kernel += 4;
                    } while (--tap_x != 0);
                    line += step_y;
                } while (--tap_y != 0);
                output[0] = requantised(a, scale[0], &layer->bounds);
                output[1] = requantised(b, scale[1], &layer->bounds);
                output[2] = requantised(c, scale[2], &layer->bounds);
                output[3] = requantised(d, scale[3], &layer->bounds);
                output += 4;
            }
            for (channel = channels & ~3; channel < channels; channel++) {
                int32_t sum = layer->bias[channel];
                for (tap_y = 0; tap_y < size_y; tap_y++) {
                    for (tap_x = 0; tap_x < size_x; tap_x++) {
                        sum += patch[tap_y * step_y + tap_x * step_x + channel] * *kernel++;
                    }
                }
                *output++ = requantised(sum, layer->scale[channel], &layer->bounds);
            }
        }
    }
}
