struct addition {
    int32_t count;
    struct bounds bounds;
    int8_t zero_a, zero_b;
    struct ratio first, second;
};
