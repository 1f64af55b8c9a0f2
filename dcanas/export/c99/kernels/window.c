/* A window that moves over an image. */
struct window {
    int16_t height, width, channels; /* of the input */
    int16_t rows, columns;           /* of the output */
    int16_t size_y, size_x;
    uint8_t stride_y, stride_x, dilation_y, dilation_x, top, left;
};
