/* Copies `count` channels of all pixels under the window at (y, x); beyond the border lie zeros. */
static void gather(const struct window *window, const int8_t *input, int32_t y, int32_t x, int32_t count, int8_t zero,
                   int8_t *patch)
{
    int32_t row, column;
    for (row = 0; row < window->size_y; row++) {
        const int32_t at_y = y + row * window->dilation_y;
        const int8_t *line = input + at_y * window->width * window->channels;
        if (at_y >= 0 && at_y < window->height && count == window->channels && window->dilation_x == 1) {
            const int32_t before = x < 0 ? -x : 0, over = x + window->size_x - window->width;
            const int32_t after = over < 0 ? 0 : over < window->size_x ? over : window->size_x;
            const int32_t inside = window->size_x - before - after;
            if (inside > 0) { /* a piece of the row */
                memset(patch, zero, (size_t)(before * count));
                memcpy(patch + before * count, line + (x + before) * count, (size_t)(inside * count));
                memset(patch + (before + inside) * count, zero, (size_t)(after * count));
                patch += window->size_x * count;
                continue;
            }
        }
        for (column = 0; column < window->size_x; column++) {
            const int32_t at_x = x + column * window->dilation_x;
            if (at_y < 0 || at_y >= window->height || at_x < 0 || at_x >= window->width) {
                memset(patch, zero, (size_t)count);
            } else {
                memcpy(patch, line + at_x * window->channels, (size_t)count);
            }
            patch += count;
        }
    }
}
