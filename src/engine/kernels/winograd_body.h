/* Winograd's F(4x4, 3x3): 36 products for 16 outputs instead of 144.
 * V = B' d B, M = U * V summed over channels, Y = A' M A, with
 *   B' = 4  0 -5  0  1  0      A' = 1  1  1  1  1  0
 *        0 -4 -4  1  1  0           0  1 -1  2 -2  0
 *        0  4 -4 -1  1  0           0  1  1  4  4  0
 *        0 -2 -1  2  1  0           0  1 -1  8 -8  1
 *        0  2 -1 -2  1  0
 *        0  4  0 -5  0  1
 * Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks",
 * 2016. Tiles lie in the lanes: column 4 i + j of a row is element j of tile
 * i, so a row splits into four phases. */

INLINE void winograd_b(vec r[6], const vec d[6])
{
    const vec four = v_set(4.0f), five = v_set(5.0f), two = v_set(2.0f);
    const vec p = d[4] - four * d[2], q = d[3] - four * d[1];
    const vec s = d[4] - d[2], t = two * (d[3] - d[1]);
    r[0] = four * d[0] - five * d[2] + d[4];
    r[1] = p + q;
    r[2] = p - q;
    r[3] = s + t;
    r[4] = s - t;
    r[5] = four * d[1] - five * d[3] + d[5];
}

INLINE void winograd_a(vec r[4], const vec m[6])
{
    const vec p = m[1] + m[2], q = m[1] - m[2];
    const vec s = m[3] + m[4], t = m[3] - m[4];
    r[0] = m[0] + p + s;
    r[1] = q + v_set(2.0f) * t;
    r[2] = p + v_set(4.0f) * s;
    r[3] = q + v_set(8.0f) * t + m[5];
}

/* Transforms a row of columns to 6 rows of tiles, the column transform of the
 * 2-D one. */
INLINE void winograd_row_in(const float *x, float *v, int64_t to)
{
    for (int64_t j = 0; j < NR; j += LANES) {
        vec d[8], r[6];
        v_load_phases(d, x + 4 * j);
        v_load_phases(d + 4, x + 4 * j + 4);
        winograd_b(r, d);
#pragma GCC unroll 6
        for (int q = 0; q < 6; q++)
            v_store(v + q * to + j, r[q]);
    }
}

/* F(4, 3) over time alone. */
static void winograd_line_in(const float *x, float *v, int64_t to)
{
    winograd_row_in(x, v, to);
}

static void winograd_line_out(const float *m, int64_t from, float *y)
{
    for (int64_t j = 0; j < NR; j += LANES) {
        vec d[6], r[4];
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++)
            d[i] = v_load(m + i * from + j);
        winograd_a(r, d);
        v_store_phases(y + 4 * j, r);
    }
}

static void winograd_in(const float *x, int64_t stride, float *v, int64_t to)
{
    float row[6][4 * NR + LANES];
    for (int64_t j = 0; j < 4 * NR + LANES; j += LANES) {
        vec d[6], r[6];
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++)
            d[i] = v_load(x + i * stride + j);
        winograd_b(r, d);
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++)
            v_store(row[i] + j, r[i]);
    }
    for (int i = 0; i < 6; i++)
        winograd_row_in(row[i], v + i * 6 * to, to);
}

static void winograd_out(const float *m, int64_t from, float *y, int64_t stride)
{
    for (int64_t j = 0; j < NR; j += LANES) {
        vec t[4][6], r[4];
#pragma GCC unroll 6
        for (int q = 0; q < 6; q++) {
            vec d[6];
#pragma GCC unroll 6
            for (int i = 0; i < 6; i++)
                d[i] = v_load(m + (i * 6 + q) * from + j);
            winograd_a(r, d);
#pragma GCC unroll 4
            for (int i = 0; i < 4; i++)
                t[i][q] = r[i];
        }
        for (int i = 0; i < 4; i++) {
            winograd_a(r, t[i]);
            v_store_phases(y + i * stride + 4 * j, r);
        }
    }
}
