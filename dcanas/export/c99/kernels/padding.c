/* Rows and columns of zeros added, or cut off if top or left is negative. */
struct padding {
    int16_t height, width, channels, rows, columns, top, left;
    int8_t zero;
};

static void pad(const struct padding *layer, const int8_t *input, int8_t *output)
{
    int32_t row, column;
    for (row = 0; row < layer->rows; row++) {
        const int32_t y = row - layer->top;
        for (column = 0; column < layer->columns; column++) {
            const int32_t x = column - layer->left;
            if (y < 0 || y >= layer->height || x < 0 || x >= layer->width) {
                memset(output, layer->zero, (size_t)layer->channels);
            } else {
                memcpy(output, input + (y * layer->width + x) * layer->channels, (size_t)layer->channels);
            }
            output += layer->channels;
        }
    }
}
