/* Converts float32 to narrow integers: scales of chunks, rounding, packing into
 * words. */

/* 1.5 * 2^23: for |x| < 2^22, the lowest bits of the float32 sum x + 1.5 * 2^23
 * are x rounded to the nearest integer. */
#define ROUNDER 12582912.0f

#define STEPS_16 32767.0f
/* One less than available, since the zero point is rounded, too. */
#define STEPS_8 ((float)MOST_DATA - 1.0f)

INLINE veci v_rounded(vec x)
{
    return (veci)(x + v_set(ROUNDER)) - (veci)v_set(ROUNDER);
}

/* The bits of |x|: as integers they have the order of the numbers, with NaN
 * above all, so that a maximum can't lose it. */
INLINE veci v_magnitude(vec x)
{
    return (veci)x & v_set_int(0x7fffffff);
}

INLINE veci v_max_int(veci a, veci b)
{
#if defined(__AVX512F__)
    return (veci)_mm512_max_epi32((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
    return (veci)_mm256_max_epi32((__m256i)a, (__m256i)b);
#elif defined(__wasm_simd128__)
    return (veci)wasm_i32x4_max((v128_t)a, (v128_t)b);
#else
    const veci more = a > b;
    return (a & more) | (b & ~more);
#endif
}

INLINE vec v_sqrt(vec x)
{
#if defined(__wasm_simd128__)
    return (vec)wasm_f32x4_sqrt((v128_t)x);
#else
    float lane[LANES];
    v_store(lane, x);
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i++)
        lane[i] = __builtin_sqrtf(lane[i]);
    return v_load(lane);
#endif
}

/* NaN where the magnitude is NaN or infinity: the NaN with zero low bits, which
 * 2^x preserves. */
INLINE vec v_poison(vec scale, veci magnitude)
{
    const veci bad = magnitude >= v_set_int(0x7f800000);
    return (vec)(((veci)scale & ~bad) | (bad & v_set_int(0x7fc00000)));
}

INLINE bool v_any(veci mask)
{
    int32_t lane[LANES], any = 0;
    memcpy(lane, &mask, sizeof lane);
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i++)
        any |= lane[i];
    return any != 0;
}

/* A sum of squares needs no scaling where the magnitude is between 2^-40 and
 * 2^40, or zero. */
INLINE bool moderate(veci magnitude)
{
    const veci low =
        (magnitude > v_set_int(0)) & (magnitude < v_set_int((127 - 40) << 23));
    return !v_any(low | (magnitude > v_set_int((127 + 40) << 23)));
}

/* The scale of int16 that keeps a chunk's norm, or with `most_sum` its sum of
 * |q|, within bounds. size: norm or sum. */
INLINE vec scale_16(veci magnitude, vec size, float most_size)
{
    vec scale = v_max((vec)magnitude * v_set(1.0f / STEPS_16),
                      size * v_set(1.0f / most_size));
    scale = v_max(scale, v_set(DMX_LEAST_SCALE));
    return v_poison(scale, magnitude);
}

INLINE vec scale_8(veci magnitude)
{
    const vec scale = v_max((vec)magnitude * v_set(1.0f / (float)MOST_WEIGHT),
                            v_set(DMX_LEAST_SCALE));
    return v_poison(scale, magnitude);
}

/* ---- panels ------------------------------------------------------------- */

/* Of rows [0, n) of a chunk x [n][NR], lanes j: the norm. */
INLINE vec norm_of(const float *x, int64_t n, veci magnitude)
{
    const vec most = v_max((vec)magnitude, v_set(DMX_LEAST_SCALE));
    const vec part = v_set(1.0f) / most;
    vec sum = {0};
    for (int64_t i = 0; i < n; i++) {
        const vec v = v_load(x + i * NR) * part;
        sum += v * v;
    }
    return v_sqrt(sum) * most;
}

INLINE vec find_scale_16(const float *x, int64_t n)
{
    veci magnitude = {0};
    vec square = {0};
    for (int64_t i = 0; i < n; i++) {
        const vec v = v_load(x + i * NR);
        magnitude = v_max_int(magnitude, v_magnitude(v));
        square += v * v;
    }
    const vec norm =
        moderate(magnitude) ? v_sqrt(square) : norm_of(x, n, magnitude);
    return scale_16(magnitude, norm, DMX_CHUNK_NORM);
}

/* Row i of the panel, or zeros past its end. */
INLINE vec panel_row(const float *x, int64_t i, int64_t n)
{
    return i < n ? v_load(x + i * NR) : (vec){0};
}

/* Four bytes of a word. */
INLINE veci bytes_of(const veci q[4])
{
    const veci byte = v_set_int(0xff);
    return (q[0] & byte) | (veci)((vecu)(q[1] & byte) << 8) |
           (veci)((vecu)(q[2] & byte) << 16) | (veci)((vecu)q[3] << 24);
}

/* A word of 2 or 4 integers. */
INLINE veci word_of(const dmx_number kind, const veci *q)
{
    if (kind == DMX_INT8)
        return bytes_of(q);
    return (q[0] & v_set_int(0xffff)) | (veci)((vecu)q[1] << 16);
}

INLINE void words_16(const float *x, int64_t n, vec part, int32_t *words)
{
    for (int64_t i = 0; i < n; i += 2, words += NR) {
        veci q[2];
#pragma GCC unroll 2
        for (int r = 0; r < 2; r++)
            q[r] = (veci)(panel_row(x, i + r, n) * part + v_set(ROUNDER));
        v_store((float *)(void *)words, (vec)word_of(DMX_INT16, q));
    }
}

INLINE void words_8(const float *x, int64_t n, vec part, vec zero,
                    int32_t *words)
{
    const vec shift = v_set(ROUNDER - (float)DATA_BIAS) + zero;
    for (int64_t i = 0; i < n; i += 4, words += NR) {
        veci q[4];
#pragma GCC unroll 4
        for (int r = 0; r < 4; r++)
            q[r] = (veci)(panel_row(x, i + r, n) * part + shift);
        v_store((float *)(void *)words, (vec)word_of(DMX_INT8, q));
    }
}

/* The range includes 0, so that 0 stays exact; q = 0 is the rounded minimum:
 * adding an integer before or after rounding is the same. */
INLINE vec find_scale_8(const float *x, int64_t n, vec *zero)
{
    veci magnitude = {0};
    vec least = {0}, most = {0};
    for (int64_t i = 0; i < n; i++) {
        const vec v = v_load(x + i * NR);
        magnitude = v_max_int(magnitude, v_magnitude(v));
        least = v_min(least, v);
        most = v_max(most, v);
    }
    const vec one = v_set(1.0f / STEPS_8);
    const vec scale = v_max(most * one - least * one, v_set(DMX_LEAST_SCALE));
    const vec low = least * (v_set(1.0f) / scale);
    *zero = v_set(ROUNDER) - (low + v_set(ROUNDER));
    return v_poison(scale, magnitude);
}

INLINE void store_scale(int32_t *to, vec scale, veci zero)
{
    v_store((float *)(void *)to, scale);
    v_store((float *)(void *)(to + NR), (vec)zero);
}

INLINE void pack_panel(const dmx_number kind, const dmx_cut *c, const float *x,
                       int32_t *panel)
{
    const int64_t pack = kind == DMX_INT8 ? 4 : 2;
    int32_t *scales = panel + dmx_narrow_words(c) * NR;
    for (int64_t from = 0; from < c->k; from += c->chunk) {
        const int64_t n = c->k - from < c->chunk ? c->k - from : c->chunk;
        for (int j = 0; j < NR; j += LANES) {
            const float *at = x + from * NR + j;
            int32_t *to = panel + from / pack * NR + j;
            vec zero = {0}, scale;
            if (kind == DMX_INT16) {
                scale = find_scale_16(at, n);
                words_16(at, n, v_set(1.0f) / scale, to);
            } else {
                scale = find_scale_8(at, n, &zero);
                words_8(at, n, v_set(1.0f) / scale, zero, to);
            }
            store_scale(scales + j, scale, v_rounded(zero));
        }
        scales += 2 * NR;
    }
}

static void narrow_panel(const dmx_cut *c, const float *x, int32_t *panel)
{
    if (c->kind == DMX_INT16)
        pack_panel(DMX_INT16, c, x, panel);
    else
        pack_panel(DMX_INT8, c, x, panel);
}

/* ---- tiles of A --------------------------------------------------------- */

/* A row's chunk, n contiguous floats. */
INLINE float row_scale(const dmx_number kind, const float *w, int64_t n,
                       const bool by_sum)
{
    double square = 0.0, sum = 0.0;
    float most = 0.0f;
    for (int64_t i = 0; i < n; i++) {
        const float v = __builtin_fabsf(w[i]);
        most = v > most || v != v ? v : most;
        if (v != v)
            break;
        square += (double)v * (double)v;
        sum += (double)v;
    }
    if (!(most <= 3.4028234e38f))
        return __builtin_nanf("");
    if (kind == DMX_INT8) {
        const float scale = most / (float)MOST_WEIGHT;
        return scale > DMX_LEAST_SCALE ? scale : DMX_LEAST_SCALE;
    }
    const float size =
        by_sum ? (float)(sum / 65400.0)
               : (float)(__builtin_sqrt(square) / (double)DMX_CHUNK_NORM);
    float scale = most / STEPS_16;
    scale = scale > size ? scale : size;
    return scale > DMX_LEAST_SCALE ? scale : DMX_LEAST_SCALE;
}

/* A row's chunk into every MR-th word; returns the sum of q. */
INLINE int32_t row_words(const dmx_number kind, const float *w, int64_t n,
                         float scale, int32_t *to)
{
    const int pack = kind == DMX_INT8 ? 4 : 2, bits = 32 / pack;
    const float part = scale == scale ? 1.0f / scale : 0.0f;
    int32_t total = 0;
    for (int64_t i = 0; i < n; i += pack, to += MR) {
        uint32_t word = 0;
        for (int r = 0; r < pack && i + r < n; r++) {
            const float v = w[i + r] * part;
            union {
                float f;
                int32_t i;
            } sum = {(v == v ? v : 0.0f) + ROUNDER}, zero = {ROUNDER};
            const int32_t q = sum.i - zero.i;
            total += q;
            word |= ((uint32_t)q & (kind == DMX_INT8 ? 0xffu : 0xffffu))
                    << (r * bits);
        }
        *to = (int32_t)word;
    }
    return total;
}

static void narrow_tile(const dmx_cut *c, int64_t rows, const float *w,
                        int64_t stride, int32_t *tile)
{
    const int64_t words = dmx_narrow_words(c);
    const int64_t pack = c->kind == DMX_INT8 ? 4 : 2;
    memset(tile, 0, (size_t)dmx_narrow_places(c, MR) * sizeof *tile);
    for (int64_t r = 0; r < rows; r++, w += stride) {
        int32_t *scales = tile + words * MR + r;
        for (int64_t from = 0; from < c->k; from += c->chunk) {
            const int64_t n = c->k - from < c->chunk ? c->k - from : c->chunk;
            const float scale = row_scale(c->kind, w + from, n, false);
            memcpy(scales, &scale, sizeof scale);
            scales[MR] = row_words(c->kind, w + from, n, scale,
                                   tile + from / pack * MR + r);
            scales += 2 * MR;
        }
    }
}
