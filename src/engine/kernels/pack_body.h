/* Packs panels of columns for the products, from signals and token lists. */

/* dst[0, NR) = src[0, n), then zeros; src is readable for n floats only. */
INLINE void copy_columns(float *dst, const float *src, int64_t n)
{
    int64_t j = 0;
    for (; j + LANES <= n; j += LANES)
        v_store(dst + j, v_load(src + j));
    for (; j < n; j++)
        dst[j] = src[j];
    for (; j < NR; j++)
        dst[j] = 0.0f;
}

/* dst[j] = src[4 j] for j in [0, n); j + 1 <= n means 4 j is readable. */
INLINE void copy_fourth(float *dst, const float *src, int64_t n)
{
    int64_t j = 0;
    /* a vector of results reads 4 LANES floats, three beyond the last */
    for (; j + LANES < n; j += LANES) {
        vec phase[4];
        v_load_phases(phase, src + 4 * j);
        v_store(dst + j, phase[0]);
    }
    for (; j < n; j++)
        dst[j] = src[4 * j];
}

/* Four taps of a convolution of stride 4 at once: they are the phases of the
 * same columns. Row i of dst, column j, is src[4 j + i]. */
INLINE void pack_phases(float *dst, const float *src)
{
    for (int64_t j = 0; j < NR; j += LANES) {
        vec phase[4];
        v_load_phases(phase, src + 4 * j);
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++)
            v_store(dst + i * NR + j, phase[i]);
    }
}

/* Column j of the panel row is src[at + j * step], zero outside [0, cols). */
static void pack_row(float *dst, const float *src, int64_t cols, int64_t at,
                     int64_t step, int64_t n)
{
    if (step == 1 && at >= 0 && at + NR <= cols && n == NR) {
#pragma GCC unroll 4
        for (int j = 0; j < VECS; j++)
            v_store(dst + j * LANES, v_load(src + at + j * LANES));
        return;
    }
    int64_t first = at < 0 ? (-at + step - 1) / step : 0;
    int64_t last = at < cols ? (cols - 1 - at) / step + 1 : 0; /* exclusive */
    first = first < n ? first : n;
    last = last < n ? last : n;
    last = last > first ? last : first;
    for (int64_t j = 0; j < first; j++)
        dst[j] = 0.0f;
    if (step == 4)
        copy_fourth(dst + first, src + at + first * 4, last - first);
    else
        for (int64_t j = first; j < last; j++)
            dst[j] = src[at + j * step];
    for (int64_t j = last; j < NR; j++)
        dst[j] = 0.0f;
}

/* All taps of one channel. */
INLINE void pack_channel(float *panel, const dmx_window *w, const float *x,
                         int64_t t, int64_t n)
{
    const int64_t taps = w->kernel[1], step = w->step[1];
    const int64_t at = t * step - w->padding[1];
    if (step == 4 && taps % 4 == 0 && w->dilation[1] == 1 && n == NR &&
        at >= 0 && at + 4 * NR + taps - 4 <= w->cols) {
        for (int64_t kt = 0; kt < taps; kt += 4)
            pack_phases(panel + kt * NR, x + at + kt);
        return;
    }
    for (int64_t kt = 0; kt < taps; kt++)
        pack_row(panel + kt * NR, x, w->cols, at + kt * w->dilation[1], step,
                 n);
}

static void pack_window(const dmx_window *w, int64_t row, int64_t t, int64_t n,
                        float *panel)
{
    const int64_t size = w->kernel[1] * NR;
    for (int64_t kf = 0; kf < w->kernel[0]; kf++) {
        const int64_t f =
            row * w->step[0] - w->padding[0] + kf * w->dilation[0];
        if (f < 0 || f >= w->rows) {
            memset(panel, 0, (size_t)(w->channels * size) * sizeof *panel);
            panel += w->channels * size;
            continue;
        }
        const float *x = w->x + f * w->channels * w->stride;
        for (int64_t c = 0; c < w->channels; c++, x += w->stride, panel += size)
            pack_channel(panel, w, x, t, n);
    }
}

static void pack_taps(const dmx_window *w, const dmx_taps *taps, int64_t row,
                      int64_t t, int64_t n, float *panel)
{
    const float *x = w->x + row * w->channels * w->stride;
    const int64_t at = t - w->padding[1];
    const int64_t need = n + (taps->taps - 1) * taps->dilation;
    const int64_t from = at < 0 ? -at : 0;
    int64_t to = w->cols - at < need ? w->cols - at : need;
    to = to > from ? to : from;
    for (int64_t c = 0; c < w->channels; c++, x += w->stride) {
        int64_t j = 0;
        for (; j < from; j++)
            panel[j] = 0.0f;
        for (; j + LANES <= to; j += LANES)
            v_store(panel + j, v_load(x + at + j));
        for (; j < to; j++)
            panel[j] = x[at + j];
        for (; j < taps->width; j++)
            panel[j] = 0.0f;
        panel += taps->width;
    }
}

/* Two passes for the statistics, so that a large mean does not cost precision.
 */
static void pack_normed(const float *x, int64_t channels, int64_t stride,
                        int64_t n, double epsilon, float *panel)
{
    vec sum[VECS] = {{0}}, square[VECS] = {{0}}, scale[VECS];
    const vec part = v_set((float)(1.0 / (double)channels));
    for (int64_t c = 0; c < channels; c++) {
        copy_columns(panel + c * NR, x + c * stride, n);
        for (int j = 0; j < VECS; j++)
            sum[j] += v_load(panel + c * NR + j * LANES);
    }
    for (int j = 0; j < VECS; j++)
        sum[j] *= part;
    for (int64_t c = 0; c < channels; c++)
        for (int j = 0; j < VECS; j++) {
            const vec d = v_load(panel + c * NR + j * LANES) - sum[j];
            square[j] += d * d;
        }
    for (int j = 0; j < VECS; j++) {
        float v[LANES];
        v_store(v, square[j] * part);
        for (int i = 0; i < LANES; i++)
            v[i] = (float)(1.0 / __builtin_sqrt((double)v[i] + epsilon));
        scale[j] = v_load(v);
    }
    for (int64_t c = 0; c < channels; c++)
        for (int j = 0; j < VECS; j++) {
            float *p = panel + c * NR + j * LANES;
            v_store(p, (v_load(p) - sum[j]) * scale[j]);
        }
}

/* A tile of mr rows, if mr is a power of two, is transposed by shuffles. */
static void pack_left(float *out, const float *x, int64_t stride, int64_t rows,
                      int64_t n)
{
    int64_t t = 0;
#if (MR & (MR - 1)) == 0 && MR <= LANES
    for (; rows == MR && t + LANES <= n; t += LANES) {
        vec m[LANES];
#pragma GCC unroll 16
        for (int i = 0; i < MR; i++)
            m[i] = v_load(x + i * stride + t);
        v_transpose(m, MR);
#pragma GCC unroll 16
        for (int i = 0; i < MR; i++)
            v_store(out + t * MR + i * LANES, m[i]);
    }
#endif
    for (; t < n; t++)
        for (int64_t i = 0; i < MR; i++)
            out[t * MR + i] = i < rows ? x[i * stride + t] : 0.0f;
}

static void split_tile(float *out, int64_t to, const float *c)
{
    for (int64_t r = 0; r < MR; r++, c += NR)
#pragma GCC unroll 16
        for (int g = 0; g < NR / MR; g++)
            memcpy(out + g * to + r * MR, c + g * MR, MR * sizeof *c);
}
