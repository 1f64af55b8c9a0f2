struct convolution {
    struct window window;
    int16_t filters, groups;
    struct bounds bounds;
    int8_t zero; /* of the input; its share of the sums is part of the biases */
    const int8_t *kernel;
    const int32_t *bias;
    const multiplier *scale;
};
