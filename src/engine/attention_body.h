/* Softmax over blocks of keys, with the queries in the lanes: maxima, sums and
 * rescaling never cross lanes. */

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

static void divide(float *out, int64_t stride, const float *o, const float *l,
                   int64_t rows, int64_t n)
{
    for (int64_t q = 0; q < n; q += LANES) {
        const vec part = v_set(1.0f) / v_load(l + q);
        for (int64_t r = 0; r < rows; r++)
            v_store(out + r * stride + q, v_load(o + r * NR + q) * part);
    }
}
