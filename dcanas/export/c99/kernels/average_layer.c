struct average {
    struct window window;
    struct bounds bounds;
    int8_t zero;
    struct mean mean;
};

/* One channel of the pixels under a window, row after row. */
struct cursor {
    const int8_t *at;
    int32_t left, width, step, jump;
};

static int32_t following(struct cursor *cursor)
{
    const int32_t byte = *cursor->at;
    cursor->at += cursor->step;
    if (--cursor->left == 0) {
        cursor->left = cursor->width;
        cursor->at += cursor->jump;
    }
    return byte;
}
