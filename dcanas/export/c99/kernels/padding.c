/* Every so many rows and columns of an image, with zeros added, or some cut off if top or left is negative. */
struct padding {
    int16_t height, width, channels, rows, columns, filters;
    int16_t top, left, front; /* front: channels of zeros before the others */
    uint8_t stride_y, stride_x;
    int8_t zero;
};

static void pad(const struct padding *layer, const int8_t *input, int8_t *output)
{
    int32_t row, column;
    for (row = 0; row < layer->rows; row++) {
        const int32_t y = row * layer->stride_y - layer->top;
        for (column = 0; column < layer->columns; column++) {
            const int32_t x = column * layer->stride_x - layer->left;
            memset(output, layer->zero, (size_t)layer->filters);
            if (y >= 0 && y < layer->height && x >= 0 && x < layer->width) {
                memcpy(output + layer->front, input + (y * layer->width + x) * layer->channels,
                       (size_t)layer->channels);
            }
            output += layer->filters;
        }
    }
}
