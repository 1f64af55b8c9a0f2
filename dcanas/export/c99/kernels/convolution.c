#define ONE(i) \
    p = first[i]; q = second[i]; u = kernel[2 * (i)]; v = kernel[2 * (i) + 1]; \
    a += p * u; b += p * v; c += q * u; d += q * v
#define FOUR(i) ONE(i); ONE(i + 1); ONE(i + 2); ONE(i + 3)

/* Two pixels and two filters at a time, so that each byte that is loaded serves two products. Where their number is odd
   the last two overlap, and what is computed twice is stored twice.
   kernel: for each group, for each two of its filters, their bytes in turn. */
static void convolve(const struct convolution *layer, const int8_t *input, int8_t *output, int8_t *scratch)
{
    const struct window *window = &layer->window;
    const int32_t taken = window->channels / layer->groups, made = layer->filters / layer->groups;
    const int32_t length = taken * window->size_y * window->size_x, pixels = window->rows * window->columns;
    const int32_t next = made > 1;
    const int8_t *group_kernel = layer->kernel;
    int32_t group, pixel, pair;
    for (group = 0; group < layer->groups; group++) {
        const int8_t *channels = input + group * taken;
        int32_t row = 0, column = 0;
        for (pixel = 0; pixel < pixels; pixel += 2) {
            const int8_t *patches[2], *kernel = group_kernel;
            const int32_t two = pixel + 1 < pixels, below = two ? layer->filters : 0;
            const int32_t *bias = layer->bias + group * made;
            const multiplier *scale = layer->scale + group * made;
            int8_t *target = output + pixel * layer->filters + group * made;
            int32_t i;
            for (i = 0; i <= two; i++) {
                const int32_t y = row * window->stride_y - window->top, x = column * window->stride_x - window->left;
                if (scratch == 0) {
                    patches[i] = channels + (y * window->width + x) * window->channels;
                } else {
                    gather(window, channels, y, x, taken, layer->zero, scratch + i * length);
                    patches[i] = scratch + i * length;
                }
                if (++column == window->columns) {
                    column = 0;
                    row++;
                }
            }
            for (pair = made; pair > 0; pair -= 2) {
                const int8_t *first = patches[0], *second = patches[two], *end = first + (length & ~7);
                const int32_t back = pair == 1 && next;
                int32_t a, b, c, d;
                int8_t e, f, g, h;
                bias -= back;
                scale -= back;
                target -= back;
                a = c = bias[0];
                b = d = bias[next];
                while (first != end) {
                    int32_t p, q, u, v;
                    FOUR(0);
                    FOUR(4);
                    first += 8; second += 8; kernel += 16;
                }
                for (end += length & 7; first != end; first++, second++, kernel += 2) {
                    a += *first * kernel[0]; b += *first * kernel[1];
                    c += *second * kernel[0]; d += *second * kernel[1];
                }
                e = requantised(a, scale[0], &layer->bounds);
                f = requantised(b, scale[next], &layer->bounds);
                g = requantised(c, scale[0], &layer->bounds);
                h = requantised(d, scale[next], &layer->bounds);
                target[0] = e;
                target[next] = f;
                target[below] = g;
                target[below + next] = h;
                bias += 2;
                scale += 2;
                target += 2;
            }
        }
        group_kernel += ((made + 1) & ~1) * length;
    }
}
