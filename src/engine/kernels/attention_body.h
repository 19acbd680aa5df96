/* Softmax over blocks of keys, with the queries in the lanes: maxima, sums and
 * rescaling never cross lanes. */

/* Sums of softmax weights up to this limit can be multiplied by values without
 * overflow. */
#define MOST_WEIGHT 1073741824.0f /* 2^30 */

/* Converts the first `rows` rows of a tile of scores to unnormalised softmax
 * weights, and adds them to total. */
INLINE void tile_softmax_weights(const int64_t rows, tile_sums sum,
                                 const float *m, vec total[VECS], float *s)
{
#pragma GCC unroll 16
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 4
        for (int j = 0; j < VECS; j++) {
            if (i >= rows)
                return;
            const vec e = v_exp2_any(sum[i][j] - v_load(m + j * LANES));
            v_store(s + i * NR + j * LANES, e);
            total[j] += e;
        }
}

static bool softmax_weights(int64_t keys, int64_t k, const float *a,
                            const float *b, const float *m, float *l, float *s)
{
    vec total[VECS];
    for (int j = 0; j < VECS; j++)
        total[j] = (vec){0};
    for (int64_t i = 0; i < keys; i += MR, a += MR * k, s += MR * NR) {
        tile_sums sum;
        tile_clear(MR, sum);
        tile_product(k, a, b, sum);
        if (keys - i >= MR)
            tile_softmax_weights(MR, sum, m, total, s);
        else
            tile_softmax_weights(keys - i, sum, m, total, s);
    }
    bool fits = true;
    for (int j = 0; j < VECS; j++) {
        total[j] += v_load(l + j * LANES); /* last, as in gemm_add */
        for (int i = 0; i < LANES; i++)
            fits &= total[j][i] <= MOST_WEIGHT; /* false for NaN */
    }
    if (!fits)
        return false;
    for (int j = 0; j < VECS; j++)
        v_store(l + j * LANES, total[j]);
    return true;
}

static void softmax_block(float *s, int64_t keys, float *m, float *l,
                          float *decay)
{
    for (int64_t q = 0; q < NR; q += LANES) {
        const vec old = v_load(m + q);
        vec most = old, sum = {0};
        for (int64_t k = 0; k < keys; k++)
            most = v_max(most, v_load(s + k * NR + q));
        for (int64_t k = 0; k < keys; k++) {
            const vec e = v_exp2_below(v_load(s + k * NR + q) - most);
            v_store(s + k * NR + q, e);
            sum += e;
        }
        const vec d = v_exp2_below(old - most);
        v_store(m + q, most);
        v_store(l + q, v_load(l + q) * d + sum);
        v_store(decay + q, d);
    }
}

static void accumulate(float *o, const float *p, const float *decay,
                       int64_t rows)
{
    vec d[VECS];
    for (int j = 0; j < VECS; j++)
        d[j] = v_load(decay + j * LANES);
    for (int64_t r = 0; r < rows; r++)
        for (int j = 0; j < VECS; j++) {
            const int64_t i = r * NR + j * LANES;
            v_store(o + i, v_load(o + i) * d[j] + v_load(p + i));
        }
}

static void divide_by_sums(float *out, int64_t stride, const float *o,
                           const float *l, int64_t rows, int64_t n)
{
    for (int64_t q = 0; q < n; q += LANES) {
        const vec part = v_set(1.0f) / v_load(l + q);
        for (int64_t r = 0; r < rows; r++)
            v_store(out + r * stride + q, v_load(o + r * NR + q) * part);
    }
}
