/* Winograd's F(3, 2): a filter of two taps computes three outputs with four
 * products instead of six. With inputs d0 ... d3 and taps g0, g1 they are
 *   m0 = (d0 - d2) g0               y0 = m0 + m1 + m2
 *   m1 = (d1 + d2) (g0 + g1) / 2    y1 = m1 - m2
 *   m2 = (d2 - d1) (g0 - g1) / 2    y2 = m1 + m2 + m3
 *   m3 = (d3 - d1) g1
 * Source: Winograd, "Arithmetic Complexity of Computations", 1980; the points
 * are 0, 1, -1 and infinity. Here every d is a row of columns. */

INLINE void two_tap_columns(const float *const d[4], float *v, int64_t to)
{
#pragma GCC unroll 4
    for (int64_t j = 0; j < NR; j += LANES) {
        vec x[4];
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++)
            x[i] = v_load(d[i] + j);
        v_store(v + j, x[0] - x[2]);
        v_store(v + to + j, x[1] + x[2]);
        v_store(v + 2 * to + j, x[2] - x[1]);
        v_store(v + 3 * to + j, x[3] - x[1]);
    }
}

static void two_tap_in(const dmx_lines row[4], int64_t channels, int64_t n,
                       float *v, int64_t to)
{
    for (int64_t c = 0; c < channels; c++, v += NR) {
        const float *d[4];
        float part[4][NR];
        for (int i = 0; i < 4; i++) {
            d[i] = row[i].x + c * row[i].stride;
            if (n == NR)
                continue;
            copy_columns(part[i], d[i], n);
            d[i] = part[i];
        }
        two_tap_columns(d, v, to);
    }
}

static void two_tap_out(float *m, int64_t n)
{
    for (int64_t j = 0; j < n; j += LANES, m += LANES) {
        const vec m1 = v_load(m + n), m2 = v_load(m + 2 * n);
        const vec sum = m1 + m2;
        v_store(m + n, m1 - m2);
        v_store(m + 2 * n, v_load(m + 3 * n) + sum);
        v_store(m, v_load(m) + sum);
    }
}
