/* The mean of the pixels under a window; those beyond the border do not count. */
static void average(const struct average *layer, const int8_t *input, int8_t *output)
{
    const struct window *window = &layer->window;
    int32_t row, column, channel;
    for (row = 0; row < window->rows; row++) {
        int32_t top = row * window->stride_y - window->top, bottom = top + window->size_y;
        top = top < 0 ? 0 : top;
        bottom = bottom > window->height ? window->height : bottom;
        for (column = 0; column < window->columns; column++) {
            int32_t left = column * window->stride_x - window->left, right = left + window->size_x;
            struct cursor cursor;
            left = left < 0 ? 0 : left;
            right = right > window->width ? window->width : right;
            for (channel = 0; channel < window->channels; channel++) {
                cursor.at = input + (top * window->width + left) * window->channels + channel;
                cursor.left = cursor.width = right - left;
                cursor.step = window->channels;
                cursor.jump = (window->width - (right - left)) * window->channels;
                *output++ = averaged(&cursor, (bottom - top) * (right - left), layer);
            }
        }
    }
}
