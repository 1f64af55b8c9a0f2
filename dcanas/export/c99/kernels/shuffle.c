/* Channels (groups, n) in the order (n, groups). */
static void shuffle(int32_t pixels, int32_t groups, int32_t each, const int8_t *input, int8_t *output)
{
    int32_t pixel, group, i;
    for (pixel = 0; pixel < pixels; pixel++) {
        for (group = 0; group < groups; group++) {
            for (i = 0; i < each; i++) {
                output[i * groups + group] = *input++;
            }
        }
        output += groups * each;
    }
}
