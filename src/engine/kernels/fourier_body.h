/* Fourier transforms of LANES frames at once, one per lane. */

typedef struct cvec {
    vec re, im;
} cvec;

INLINE cvec c_load(const float *x, int64_t i)
{
    return (cvec){v_load(x + 2 * i * LANES), v_load(x + (2 * i + 1) * LANES)};
}

INLINE void c_store(float *x, int64_t i, cvec v)
{
    v_store(x + 2 * i * LANES, v.re);
    v_store(x + (2 * i + 1) * LANES, v.im);
}

INLINE cvec c_add(cvec a, cvec b)
{
    return (cvec){a.re + b.re, a.im + b.im};
}

INLINE cvec c_sub(cvec a, cvec b)
{
    return (cvec){a.re - b.re, a.im - b.im};
}

INLINE cvec c_mul(cvec a, const float w[2])
{
    const vec c = v_set(w[0]), s = v_set(w[1]);
    return (cvec){a.re * c - a.im * s, a.re * s + a.im * c};
}

/* a - i b */
INLINE cvec c_sub_i(cvec a, cvec b)
{
    return (cvec){a.re + b.im, a.im - b.re};
}

INLINE cvec c_add_i(cvec a, cvec b)
{
    return (cvec){a.re - b.im, a.im + b.re};
}

INLINE void radix4(float *y, const float *x, const float *w, int64_t p,
                   int64_t m, int64_t s)
{
    for (int64_t q = 0; q < s; q++) {
        const cvec a = c_load(x, q + s * p), b = c_load(x, q + s * (p + m));
        const cvec c = c_load(x, q + s * (p + 2 * m));
        const cvec d = c_load(x, q + s * (p + 3 * m));
        const cvec ac = c_add(a, c), bd = c_add(b, d);
        const cvec ca = c_sub(a, c), db = c_sub(b, d);
        const int64_t to = q + s * 4 * p;
        c_store(y, to, c_add(ac, bd));
        c_store(y, to + s, c_mul(c_sub_i(ca, db), w));
        c_store(y, to + 2 * s, c_mul(c_sub(ac, bd), w + 2));
        c_store(y, to + 3 * s, c_mul(c_add_i(ca, db), w + 4));
    }
}

INLINE void radix2(float *y, const float *x, const float *w, int64_t p,
                   int64_t m, int64_t s)
{
    for (int64_t q = 0; q < s; q++) {
        const cvec a = c_load(x, q + s * p), b = c_load(x, q + s * (p + m));
        c_store(y, q + s * 2 * p, c_add(a, b));
        c_store(y, q + s * (2 * p + 1), c_mul(c_sub(a, b), w));
    }
}

/* Any radix, by its definition. */
static void radix_any(float *y, const float *x, const float *w,
                      const float *roots, int64_t r, int64_t p, int64_t m,
                      int64_t s)
{
    for (int64_t q = 0; q < s; q++)
        for (int64_t k = 0; k < r; k++) {
            cvec sum = c_load(x, q + s * p);
            for (int64_t j = 1; j < r; j++)
                sum = c_add(sum, c_mul(c_load(x, q + s * (p + j * m)),
                                       roots + 2 * (j * k % r)));
            if (k > 0)
                sum = c_mul(sum, w + 2 * (k - 1));
            c_store(y, q + s * (r * p + k), sum);
        }
}

/* Transforms x, using y; returns whichever holds the result. */
static float *fourier_transform(const dmx_fourier *f, float *x, float *y)
{
    int64_t n = f->bins, s = 1;
    for (int stage = 0; stage < f->stages; stage++) {
        const int64_t r = f->radix[stage], m = n / r;
        const float *w = f->twiddle[stage];
        for (int64_t p = 0; p < m; p++, w += 2 * (r - 1)) {
            if (r == 4)
                radix4(y, x, w, p, m, s);
            else if (r == 2)
                radix2(y, x, w, p, m, s);
            else
                radix_any(y, x, w, f->roots[stage], r, p, m, s);
        }
        float *swap = x;
        x = y;
        y = swap;
        n = m;
        s *= r;
    }
    return x;
}

/* Even samples are the real parts, odd ones the imaginary parts. */
static void gather_frames(const dmx_fourier *f, const float *x, int64_t hop,
                          int64_t n, float *work)
{
    int64_t i = 0;
    for (; n == LANES && i + LANES <= 2 * f->bins; i += LANES) {
        const vec w = v_load(f->analysis + i);
        vec m[LANES];
        for (int t = 0; t < LANES; t++)
            m[t] = v_load(x + t * hop + i) * w;
        v_transpose(m, LANES);
        for (int t = 0; t < LANES; t++)
            v_store(work + (i + t) * LANES, m[t]);
    }
    for (; i < 2 * f->bins; i++) {
        float *lane = work + i * LANES;
        for (int64_t t = 0; t < n; t++)
            lane[t] = x[t * hop + i] * f->analysis[i];
        for (int64_t t = n; t < LANES; t++)
            lane[t] = 0.0f;
    }
}

/* The inverse; real and imaginary parts are swapped. */
static void scatter_frames(const dmx_fourier *f, const float *z, int64_t n,
                           float *frames)
{
    int64_t i = 0;
    for (; n == LANES && i + LANES <= 2 * f->bins; i += LANES) {
        const vec w = v_load(f->synthesis + i);
        vec m[LANES];
        for (int t = 0; t < LANES; t++)
            m[t] = v_load(z + (i + (t ^ 1)) * LANES);
        v_transpose(m, LANES);
        for (int t = 0; t < LANES; t++)
            v_store(frames + t * 2 * f->bins + i, m[t] * w);
    }
    for (; i < 2 * f->bins; i++)
        for (int64_t t = 0; t < n; t++)
            frames[t * 2 * f->bins + i] =
                z[(i ^ 1) * LANES + t] * f->synthesis[i];
}

/* Of z = even + i odd: X[k] = E[k] + e^(-i pi k / bins) O[k] with
 * 2 E = Z[k] + conj Z[-k], 2 O = -i (Z[k] - conj Z[-k]). */
static void stft(const struct dmx_fourier *f, const float *x, int64_t hop,
                 int64_t n, float *re, float *im, int64_t row_stride,
                 float *work)
{
    const int64_t bins = f->bins;
    const vec half = v_set(0.5f);
    gather_frames(f, x, hop, n, work);
    const float *z = fourier_transform(f, work, work + 2 * bins * LANES);
    for (int64_t k = 0; k < bins; k++) {
        const cvec a = c_load(z, k), b = c_load(z, k == 0 ? 0 : bins - k);
        const cvec e = {half * (a.re + b.re), half * (a.im - b.im)};
        const cvec o = {half * (a.im + b.im), half * (b.re - a.re)};
        const cvec v = c_add(e, c_mul(o, f->half + 2 * k));
        v_store(re + k * row_stride, v.re);
        v_store(im + k * row_stride, v.im);
    }
}

INLINE vec load_frames(const float *p, int64_t n)
{
    if (n == LANES)
        return v_load(p);
    float lane[LANES] = {0};
    for (int64_t t = 0; t < n; t++)
        lane[t] = p[t];
    return v_load(lane);
}

/* Z = E + i O with 2 E = X[k] + conj X[-k] and
 * 2 O = e^(i pi k / bins) (X[k] - conj X[-k]); the imaginary part of bin 0
 * counts as zero and so does the last bin. The inverse transform is the
 * forward one with real and imaginary parts swapped before and after. */
static void istft(const struct dmx_fourier *f, const float *re, const float *im,
                  int64_t row_stride, int64_t n, float *frames, float *work)
{
    const int64_t bins = f->bins;
    const vec half = v_set(0.5f);
    for (int64_t k = 0; k < bins; k++) {
        const int64_t at = k * row_stride, back = (bins - k) * row_stride;
        cvec a = {load_frames(re + at, n), load_frames(im + at, n)};
        cvec b = {{0}, {0}};
        if (k > 0)
            b = (cvec){load_frames(re + back, n), load_frames(im + back, n)};
        else
            a.im = (vec){0};
        const cvec e = {half * (a.re + b.re), half * (a.im - b.im)};
        const cvec d = {half * (a.re - b.re), half * (a.im + b.im)};
        const float w[2] = {f->half[2 * k], -f->half[2 * k + 1]};
        const cvec v = c_add_i(e, c_mul(d, w));
        c_store(work, k, (cvec){v.im, v.re});
    }
    scatter_frames(f, fourier_transform(f, work, work + 2 * bins * LANES), n,
                   frames);
}
