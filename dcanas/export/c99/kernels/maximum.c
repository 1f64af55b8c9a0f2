/* The largest byte under a window; those beyond the border do not count. */
static void maximum(const struct window *window, const int8_t *input, int8_t *output)
{
    int32_t row, column, channel, tap_y, tap_x;
    for (row = 0; row < window->rows; row++) {
        for (column = 0; column < window->columns; column++) {
            memset(output, -128, (size_t)window->channels);
            for (tap_y = 0; tap_y < window->size_y; tap_y++) {
                const int32_t y = row * window->stride_y - window->top + tap_y * window->dilation_y;
                for (tap_x = 0; tap_x < window->size_x; tap_x++) {
                    const int32_t x = column * window->stride_x - window->left + tap_x * window->dilation_x;
                    const int8_t *pixel;
                    if (y < 0 || y >= window->height || x < 0 || x >= window->width) {
                        continue;
                    }
                    pixel = input + (y * window->width + x) * window->channels;
                    for (channel = 0; channel < window->channels; channel++) {
                        if (pixel[channel] > output[channel]) {
                            output[channel] = pixel[channel];
                        }
                    }
                }
            }
            output += window->channels;
        }
    }
}
