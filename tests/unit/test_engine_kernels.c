/* Every kernel of every instruction set against plain double arithmetic, on
 * random shapes, tails and alignments. A failure prints the seed. */
#include "test_support.h"

#include "base/tensor.h"
#include "engine/kernels/fourier.h"
#include "engine/kernels/kernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUARD 12345.0f

static uint64_t seed;

static int64_t draw(int64_t from, int64_t to)
{
    return from + (int64_t)(test_random(&seed) % (uint64_t)(to - from + 1));
}

/* Random floats at an address that is `shift` floats off a cache line. */
static float *noise(float **block, int64_t n, int64_t shift)
{
    const size_t bytes = (size_t)((n + shift + 96) / 16 * 16) * sizeof(float);
    *block = aligned_alloc(64, bytes);
    assert_non_null(*block);
    for (size_t i = 0; i < bytes / sizeof(float); i++)
        (*block)[i] = (float)test_normal(&seed);
    return *block + shift;
}

static void near(double got, double want, double tolerance, const char *what,
                 const dmx_kernels *k)
{
    if (fabs(got - want) <= tolerance)
        return;
    fprintf(stderr, "%s %s: %.9g instead of %.9g\n", k->name, what, got, want);
    fail();
}

static double gelu(double x)
{
    return x / 2.0 * (1.0 + erf(x / sqrt(2.0)));
}

static double sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

/* ---- products ----------------------------------------------------------- */

static void check_gemm(const dmx_kernels *k)
{
    const int64_t rows = k->mr * draw(1, 4), depth = draw(1, 200);
    float *blocks[3];
    float *a = noise(&blocks[0], rows * depth, draw(0, 15));
    float *b = noise(&blocks[1], depth * k->nr, 0);
    float *c = noise(&blocks[2], rows * k->nr, 0);
    const bool onto = draw(0, 1) != 0;
    float *before = malloc((size_t)(rows * k->nr) * sizeof *before);
    assert_non_null(before);
    memcpy(before, c, (size_t)(rows * k->nr) * sizeof *before);
    (onto ? k->gemm_add : k->gemm)(rows, depth, a, b, c);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t j = 0; j < k->nr; j++) {
            double sum = onto ? (double)before[r * k->nr + j] : 0.0;
            for (int64_t i = 0; i < depth; i++)
                sum += (double)a[(r / k->mr * depth + i) * k->mr + r % k->mr] *
                       (double)b[i * k->nr + j];
            near((double)c[r * k->nr + j], sum,
                 1e-5 * sqrt((double)depth) + 1e-6, "gemm", k);
        }
    free(before);
    for (int i = 0; i < 3; i++)
        free(blocks[i]);
}

static void check_taps(const dmx_kernels *k)
{
    const int64_t tile = draw(0, 1) == 0 ? k->mr : DMX_NARROW;
    dmx_taps t = {
        .channels = draw(1, 20), .taps = draw(1, 5), .dilation = draw(1, 4)};
    const int64_t cols = draw(1, 2 * k->nr), stride = cols + draw(0, 9);
    const int64_t padding = draw(0, 6), rows = tile * draw(1, 3);
    t.width = (k->nr + (t.taps - 1) * t.dilation + 15) / 16 * 16;
    float *blocks[4];
    float *x = noise(&blocks[0], t.channels * stride, draw(0, 15));
    float *a = noise(&blocks[1], rows * t.channels * t.taps, 0);
    float *panel = noise(&blocks[2], t.channels * t.width, 0);
    float *c = noise(&blocks[3], rows * k->nr, 0);
    const dmx_window w = {.x = x,
                          .rows = 1,
                          .channels = t.channels,
                          .cols = cols,
                          .stride = stride,
                          .padding = {0, padding}};
    const int64_t n = draw(1, k->nr);
    k->pack_taps(&w, &t, 0, 0, n, panel);
    k->gemm_taps(&t, tile, rows, a, panel, c);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t j = 0; j < n; j++) {
            double sum = 0.0;
            for (int64_t i = 0; i < t.channels * t.taps; i++) {
                const int64_t at = j - padding + i % t.taps * t.dilation;
                const float v =
                    at >= 0 && at < cols ? x[i / t.taps * stride + at] : 0.0f;
                sum += (double)v *
                       (double)a[(r / tile * t.channels * t.taps + i) * tile +
                                 r % tile];
            }
            near((double)c[r * k->nr + j], sum, 1e-4, "taps", k);
        }
    for (int i = 0; i < 4; i++)
        free(blocks[i]);
}

/* ---- panels ------------------------------------------------------------- */

static void check_window(const dmx_kernels *k)
{
    dmx_window w = {
        .rows = draw(1, 5), .channels = draw(1, 4), .cols = draw(1, 3 * k->nr)};
    for (int i = 0; i < 2; i++) {
        w.kernel[i] = draw(1, 4);
        w.step[i] = draw(1, 5);
        w.dilation[i] = draw(1, 3);
        w.padding[i] = draw(0, 3);
    }
    const bool phases = draw(0, 3) == 0; /* taps taken four at a time */
    if (phases) {
        w.kernel[1] = 4 * draw(1, 2);
        w.step[1] = 4;
        w.dilation[1] = 1;
        w.cols = draw(4 * k->nr, 6 * k->nr);
    }
    w.stride = w.cols + draw(0, 8);
    const int64_t depth = w.kernel[0] * w.channels * w.kernel[1];
    float *blocks[2];
    w.x = noise(&blocks[0], w.rows * w.channels * w.stride, draw(0, 15));
    float *panel = noise(&blocks[1], depth * k->nr, 0);
    const int64_t row = draw(0, 4), t = draw(0, 20);
    const int64_t n = phases ? k->nr : draw(1, k->nr);
    k->pack_window(&w, row, t, n, panel);
    for (int64_t i = 0; i < depth; i++)
        for (int64_t j = 0; j < k->nr; j++) {
            const int64_t kt = i % w.kernel[1],
                          c = i / w.kernel[1] % w.channels;
            const int64_t kf = i / w.kernel[1] / w.channels;
            const int64_t f =
                row * w.step[0] - w.padding[0] + kf * w.dilation[0];
            const int64_t at =
                (t + j) * w.step[1] - w.padding[1] + kt * w.dilation[1];
            const bool inside =
                j < n && f >= 0 && f < w.rows && at >= 0 && at < w.cols;
            const float want =
                inside ? w.x[(f * w.channels + c) * w.stride + at] : 0.0f;
            near((double)panel[i * k->nr + j], (double)want, 0.0, "window", k);
        }
    free(blocks[0]);
    free(blocks[1]);
}

static void check_normed(const dmx_kernels *k)
{
    const int64_t channels = draw(2, 80), n = draw(1, k->nr);
    const int64_t stride = n + draw(0, 8);
    float *blocks[2];
    float *x = noise(&blocks[0], channels * stride, draw(0, 15));
    float *panel = noise(&blocks[1], channels * k->nr, 0);
    for (int64_t i = 0; i < channels * stride; i++)
        x[i] = x[i] * 3.0f + 10.0f;
    k->pack_normed(x, channels, stride, n, 1e-5, panel);
    for (int64_t j = 0; j < n; j++) {
        double mean = 0.0, square = 0.0;
        for (int64_t c = 0; c < channels; c++)
            mean += (double)x[c * stride + j] / (double)channels;
        for (int64_t c = 0; c < channels; c++)
            square += pow((double)x[c * stride + j] - mean, 2.0);
        const double r = 1.0 / sqrt(square / (double)channels + 1e-5);
        /* the mean is rounded to float32 before it is taken away */
        const double tolerance = 1e-6 * (4.0 + fabs(mean) * r);
        for (int64_t c = 0; c < channels; c++)
            near((double)panel[c * k->nr + j],
                 ((double)x[c * stride + j] - mean) * r, tolerance, "normed",
                 k);
    }
    free(blocks[0]);
    free(blocks[1]);
}

/* ---- what follows a product --------------------------------------------- */

static double finished(const dmx_finish *f, const float *c, int64_t nr,
                       int64_t r, int64_t j)
{
    const double gain = f->gain != NULL ? (double)f->gain[r] : 1.0;
    double y = gain * (double)c[r * nr + j] + (double)f->bias[r];
    if (f->activation == DMX_ACT_GELU)
        y = gelu(y);
    else if (f->activation == DMX_ACT_RELU)
        y = fmax(y, 0.0);
    else if (f->activation == DMX_ACT_GLU) {
        const int64_t g = r + f->gate;
        const double gg = f->gain != NULL ? (double)f->gain[g] : 1.0;
        y *= sigmoid(gg * (double)c[g * nr + j] + (double)f->bias[g]);
    }
    y = y * (f->scale != NULL ? (double)f->scale[r] : 1.0) +
        (f->offset != NULL ? (double)f->offset[r] : 0.0);
    if (f->add != NULL)
        y += (double)f->add[r * f->add_stride + j] * (double)f->add_gain;
    return y;
}

static void check_finish(const dmx_kernels *k)
{
    const int64_t channels = draw(1, 9), n = draw(1, k->nr), stride = 64;
    float *blocks[6];
    float *c = noise(&blocks[0], 2 * channels * k->nr, 0);
    float *out = noise(&blocks[1], channels * stride, 0);
    float *add = noise(&blocks[2], channels * stride, 0);
    float *bias = noise(&blocks[3], 2 * channels, 0);
    float *gain = noise(&blocks[4], 2 * channels, 0);
    float *scale = noise(&blocks[5], 2 * channels, 0);
    const dmx_finish f = {.activation = (dmx_activation)draw(0, 3),
                          .channels = channels,
                          .n = n,
                          .gate = channels,
                          .gate_bias = channels,
                          .gain = draw(0, 1) ? gain : NULL,
                          .bias = bias,
                          .scale = draw(0, 1) ? scale : NULL,
                          .offset = draw(0, 1) ? scale + channels : NULL,
                          .add = draw(0, 1) ? add : NULL,
                          .add_stride = stride,
                          .add_gain = 0.5f,
                          .out = out,
                          .out_stride = stride};
    for (int64_t r = 0; r < channels; r++)
        out[r * stride + (n + 15) / 16 * 16] = GUARD;
    k->finish(&f, c);
    for (int64_t r = 0; r < channels; r++) {
        for (int64_t j = 0; j < n; j++)
            near((double)out[r * stride + j], finished(&f, c, k->nr, r, j),
                 6e-6, "finish", k);
        assert_true(n > 48 || out[r * stride + (n + 15) / 16 * 16] == GUARD);
    }
    for (int i = 0; i < 6; i++)
        free(blocks[i]);
}

static void check_interleave(const dmx_kernels *k)
{
    const int64_t channels = draw(1, 3), phases = draw(2, 5);
    const int64_t width = phases * k->nr;
    float *blocks[5];
    float *c = noise(&blocks[0], channels * phases * k->nr, 0);
    float *out = noise(&blocks[1], channels * width, draw(0, 15));
    float *add = noise(&blocks[2], channels * width, draw(0, 15));
    float *bias = noise(&blocks[3], channels * phases, 0);
    float *scale = noise(&blocks[4], channels, 0);
    for (int64_t i = 0; i < channels * phases; i++)
        bias[i] = bias[i / phases * phases];
    dmx_interleave w = {.phases = phases,
                        .from = draw(0, phases),
                        .to = draw(phases + 1, width)};
    w.finish = (dmx_finish){.activation = (dmx_activation)draw(0, 2),
                            .channels = channels,
                            .bias = bias,
                            .scale = draw(0, 1) ? scale : NULL,
                            .add = draw(0, 1) ? add : NULL,
                            .add_stride = width,
                            .add_gain = 1.0f,
                            .out = out,
                            .out_stride = width};
    k->interleave(&w, c);
    for (int64_t r = 0; r < channels; r++)
        for (int64_t j = w.from; j < w.to; j++) {
            dmx_finish f = w.finish;
            f.add = f.scale = NULL;
            double want =
                finished(&f, c, k->nr, r * phases + j % phases, j / phases);
            if (w.finish.scale != NULL)
                want *= (double)scale[r];
            if (w.finish.add != NULL)
                want += (double)add[r * width + j - w.from];
            near((double)out[r * width + j - w.from], want, 6e-6, "interleave",
                 k);
        }
    for (int i = 0; i < 5; i++)
        free(blocks[i]);
}

/* ---- attention ---------------------------------------------------------- */

static void check_softmax(const dmx_kernels *k)
{
    const int64_t keys = draw(1, 60), blocks_of = draw(1, 3);
    float *blocks[4];
    float *s = noise(&blocks[0], blocks_of * keys * k->nr, 0);
    float *m = noise(&blocks[1], k->nr, 0), *l = noise(&blocks[2], k->nr, 0);
    float *decay = noise(&blocks[3], k->nr, 0);
    double *total = calloc((size_t)k->nr, sizeof *total);
    assert_non_null(total);
    for (int64_t j = 0; j < k->nr; j++) {
        m[j] = -1e30f;
        l[j] = 0.0f;
    }
    for (int64_t i = 0; i < blocks_of * keys * k->nr; i++) {
        s[i] *= 8.0f;
        total[i % k->nr] += exp2((double)s[i]);
    }
    for (int64_t b = 0; b < blocks_of; b++)
        k->softmax_block(s + b * keys * k->nr, keys, m, l, decay);
    for (int64_t j = 0; j < k->nr; j++) {
        const double got = (double)l[j] * exp2((double)m[j]);
        near(got / total[j], 1.0, 2e-6, "softmax", k);
    }
    free(total);
    for (int i = 0; i < 4; i++)
        free(blocks[i]);
}

/* 2^(a b - m) and its sums; refused, with l untouched, when those are large. */
static void check_softmax_weights(const dmx_kernels *k)
{
    const int64_t keys = draw(1, 60), depth = draw(1, 70);
    const int64_t rows = (keys + k->mr - 1) / k->mr * k->mr;
    const float m = draw(0, 3) == 0 ? -300.0f : 0.0f;
    float *blocks[5];
    float *a = noise(&blocks[0], rows * depth, 0);
    float *b = noise(&blocks[1], depth * k->nr, 0);
    for (int64_t i = 0; i < depth * k->nr; i++)
        b[i] *= 0.25f; /* scores well below 30 */
    float *c = noise(&blocks[2], rows * k->nr, 0);
    float *most = noise(&blocks[3], k->nr, 0), *l = noise(&blocks[4], k->nr, 0);
    for (int64_t j = 0; j < k->nr; j++) {
        most[j] = m;
        l[j] = 1.0f;
    }
    const bool done = k->softmax_weights(keys, depth, a, b, most, l, c);
    if (done != (m == 0.0f))
        fail_msg("%s powers: %s", k->name, done ? "accepted" : "refused");
    for (int64_t j = 0; j < k->nr; j++) {
        double total = 1.0;
        for (int64_t r = 0; done && r < keys; r++) {
            double score = 0.0;
            for (int64_t i = 0; i < depth; i++)
                score +=
                    (double)a[(r / k->mr * depth + i) * k->mr + r % k->mr] *
                    (double)b[i * k->nr + j];
            near((double)c[r * k->nr + j] / exp2(score), 1.0, 2e-5, "power", k);
            total += exp2(score);
        }
        near((double)l[j] / total, 1.0, 2e-5, "powers", k);
    }
    b[draw(0, depth * k->nr - 1)] = NAN;
    if (k->softmax_weights(keys, depth, a, b, most, l, c))
        fail_msg("%s powers: NaN accepted", k->name);
    for (int i = 0; i < 5; i++)
        free(blocks[i]);
}

/* ---- Winograd ----------------------------------------------------------- */

static const double G[6][3] = {{0.25, 0, 0},
                               {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                               {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                               {1.0 / 24, 1.0 / 12, 1.0 / 6},
                               {1.0 / 24, -1.0 / 12, 1.0 / 6},
                               {0, 0, 1}};

static void check_winograd_line(const dmx_kernels *k, const float *x,
                                const float *w)
{
    float *blocks[2];
    float *v = noise(&blocks[0], 6 * k->nr, 0);
    float *y = noise(&blocks[1], 4 * k->nr, draw(0, 15));
    k->winograd_line_in(x, v, k->nr);
    for (int64_t i = 0; i < 6 * k->nr; i++) {
        double u = 0.0;
        for (int a = 0; a < 3; a++)
            u += G[i / k->nr][a] * (double)w[a];
        v[i] *= (float)u;
    }
    k->winograd_line_out(v, k->nr, y);
    for (int64_t j = 0; j < 4 * k->nr; j++) {
        double sum = 0.0;
        for (int a = 0; a < 3; a++)
            sum += (double)w[a] * (double)x[j + a];
        near((double)y[j], sum, 5e-5, "winograd line", k);
    }
    free(blocks[0]);
    free(blocks[1]);
}

/* With one channel, the 36 products are those of the transformed kernel. */
static void check_winograd(const dmx_kernels *k)
{
    const int64_t width = 4 * k->nr + k->lanes;
    float *blocks[4];
    float *x = noise(&blocks[0], 6 * width, draw(0, 15));
    float *v = noise(&blocks[1], 36 * k->nr, 0);
    float *y = noise(&blocks[2], 16 * k->nr, 0);
    float *w = noise(&blocks[3], 9, 0);
    k->winograd_in(x, width, v, k->nr);
    for (int q = 0; q < 36; q++) {
        double u = 0.0;
        for (int a = 0; a < 9; a++)
            u += G[q / 6][a / 3] * G[q % 6][a % 3] * (double)w[a];
        for (int64_t j = 0; j < k->nr; j++)
            v[q * k->nr + j] *= (float)u;
    }
    k->winograd_out(v, k->nr, y, 4 * k->nr);
    check_winograd_line(k, x, w);
    for (int64_t i = 0; i < 4; i++)
        for (int64_t j = 0; j < 4 * k->nr; j++) {
            double sum = 0.0;
            for (int a = 0; a < 9; a++)
                sum +=
                    (double)w[a] * (double)x[(i + a / 3) * width + j + a % 3];
            near((double)y[i * 4 * k->nr + j], sum, 1e-4, "winograd", k);
        }
    for (int i = 0; i < 4; i++)
        free(blocks[i]);
}

/* With one channel more than needed, and rows of zeros as at an edge. */
static void check_two_tap(const dmx_kernels *k)
{
    const int64_t n = draw(1, k->nr), channels = draw(1, 3);
    const int64_t stride = n + draw(0, 20), size = channels * k->nr;
    float *blocks[3];
    float *x = noise(&blocks[0], 4 * channels * stride, draw(0, 15));
    float *v = noise(&blocks[1], 4 * size, 0);
    float *w = noise(&blocks[2], 2, 0);
    float zeros[64] = {0.0f};
    dmx_lines row[4];
    for (int i = 0; i < 4; i++)
        row[i] = draw(0, 3) == 0
                     ? (dmx_lines){zeros, 0}
                     : (dmx_lines){x + i * channels * stride, stride};
    k->two_tap_in(row, channels, n, v, size);
    const float g[4] = {w[0], (w[0] + w[1]) / 2.0f, (w[0] - w[1]) / 2.0f, w[1]};
    for (int64_t i = 0; i < 4 * size; i++)
        v[i] *= g[i / size];
    k->two_tap_out(v, size);
    for (int64_t i = 0; i < 3 * size; i++) {
        const int64_t r = i / size, c = i % size / k->nr, j = i % k->nr;
        double sum = 0.0;
        for (int a = 0; j < n && a < 2; a++)
            sum +=
                (double)w[a] * (double)row[r + a].x[c * row[r + a].stride + j];
        near((double)v[i], sum, 1e-5, "two taps", k);
    }
    for (int i = 0; i < 3; i++)
        free(blocks[i]);
}

/* With blocks of n numbers instead of matrices, element by element. */
static void check_strassen(const dmx_kernels *k)
{
    const int64_t n = k->nr * draw(1, 3);
    float *blocks[5];
    const float *a[4], *b[4];
    float *c[4];
    float *left = noise(&blocks[0], 4 * n, 0), *s = noise(&blocks[1], 4 * n, 0);
    float *right = noise(&blocks[2], 4 * n, 0);
    float *t = noise(&blocks[3], 7 * n, 0), *y = noise(&blocks[4], 4 * n, 0);
    for (int i = 0; i < 4; i++) {
        a[i] = left + i * n;
        b[i] = right + i * n;
        c[i] = y + i * n;
    }
    k->strassen_left(s, n, a);
    k->strassen_right(t, n, b);
    const float *const m[7] = {a[0], a[1],  s + 3 * n, a[3],
                               s,    s + n, s + 2 * n};
    for (int64_t i = 0; i < 7 * n; i++)
        t[i] *= m[i / n][i % n];
    k->strassen_sums(c, n, t);
    for (int64_t i = 0; i < 4 * n; i++) {
        const int64_t row = i / n / 2, col = i / n % 2, j = i % n;
        double sum = 0.0;
        for (int q = 0; q < 2; q++)
            sum += (double)a[2 * row + q][j] * (double)b[2 * q + col][j];
        near((double)y[i], sum, 4e-5, "strassen", k);
    }
    for (int i = 0; i < 5; i++)
        free(blocks[i]);
}

static void check_split(const dmx_kernels *k)
{
    const int64_t pieces = k->nr / k->mr, to = k->mr * k->mr + draw(0, 9);
    float *blocks[2];
    float *c = noise(&blocks[0], k->mr * k->nr, 0);
    float *out = noise(&blocks[1], pieces * to, draw(0, 15));
    k->split_tile(out, to, c);
    for (int64_t r = 0; r < k->mr; r++)
        for (int64_t j = 0; j < pieces * k->mr; j++)
            if (out[j / k->mr * to + r * k->mr + j % k->mr] != c[r * k->nr + j])
                fail_msg("%s split: row %d, column %d", k->name, (int)r,
                         (int)j);
    free(blocks[0]);
    free(blocks[1]);
}

/* ---- passes ------------------------------------------------------------- */

static void check_passes(const dmx_kernels *k)
{
    const int64_t n = draw(1, 300);
    float *blocks[3];
    float *x = noise(&blocks[0], n + 16, draw(0, 15));
    float *y = noise(&blocks[1], n + 16, draw(0, 15));
    float *z = noise(&blocks[2], n + 16, draw(0, 15));
    for (int64_t i = 0; i < n; i++)
        x[i] *= 4.0f;
    k->activate(DMX_ACT_GELU, z, x, n);
    for (int64_t i = 0; i < n; i++)
        near((double)z[i], gelu((double)x[i]), 2e-6, "gelu", k);
    k->glu(z, y, x, n);
    for (int64_t i = 0; i < n; i++)
        near((double)z[i], (double)y[i] * sigmoid((double)x[i]), 2e-6, "glu",
             k);
    k->add(z, x, y, -0.5f, n);
    for (int64_t i = 0; i < n; i++)
        near((double)z[i], (double)x[i] - 0.5 * (double)y[i], 2e-6, "add", k);
    double sum = 0.0, both = 0.0;
    for (int64_t i = 0; i < n; i++) {
        sum += (double)x[i];
        both += ((double)x[i] - 0.5) * ((double)y[i] + 0.25);
    }
    near(k->sum(x, n), sum, 1e-4, "sum", k);
    near(k->covariance(x, y, 0.5f, -0.25f, n), both, 1e-3, "covariance", k);
    const dmx_moments m = k->moments(x, 1, n, n);
    double m2 = 0.0;
    for (int64_t i = 0; i < n; i++)
        m2 += pow((double)x[i] - sum / (double)n, 2.0);
    near(m.mean, sum / (double)n, 1e-5, "mean", k);
    near(m.m2, m2, 1e-2, "squares", k);
    for (int i = 0; i < 3; i++)
        free(blocks[i]);
}

static void check_widen(const dmx_kernels *k)
{
    uint16_t half[100];
    float out[100];
    const int64_t n = draw(1, 100);
    for (int64_t i = 0; i < n; i++) /* finite ones */
        half[i] = (uint16_t)(test_random(&seed) & 0xbbffu);
    k->widen_half(out, half, n);
    for (int64_t i = 0; i < n; i++)
        near((double)out[i], (double)dmx_f16_to_f32(half[i]), 0.0, "widen", k);
}

/* The activations over their whole range. */
static void check_functions(const dmx_kernels *k)
{
    float x[16], y[16], ones[16];
    for (int i = 0; i < 16; i++)
        ones[i] = 1.0f;
    for (int step = -1000; step < 1000; step++) {
        for (int i = 0; i < 16; i++)
            x[i] = (float)(step * 16 + i) / 800.0f;
        k->activate(DMX_ACT_GELU, y, x, 16);
        for (int i = 0; i < 16; i++)
            near((double)y[i], gelu((double)x[i]),
                 1e-6 + 3e-7 * fabs((double)x[i]), "gelu", k);
        k->glu(y, ones, x, 16);
        for (int i = 0; i < 16; i++)
            near((double)y[i], sigmoid((double)x[i]), 2e-7, "sigmoid", k);
    }
}

/* ---- Fourier ------------------------------------------------------------ */

static void check_fourier(const dmx_kernels *k)
{
    static const int64_t sizes[] = {16, 20, 24, 64, 84, 132, 256};
    const int64_t nfft = sizes[draw(0, 6)], bins = nfft / 2;
    const int64_t hop = nfft / 4, n = draw(1, k->lanes), row = k->lanes;
    dmx_fourier f;
    float window[256];
    for (int64_t i = 0; i < nfft; i++)
        window[i] = (float)(0.5 - 0.5 * cos(6.283185307179586 * (double)i /
                                            (double)nfft));
    assert_true(dmx_fourier_open(&f, nfft, window));
    float *blocks[5];
    float *x = noise(&blocks[0], nfft + k->lanes * hop, 0);
    float *re = noise(&blocks[1], bins * row, 0);
    float *im = noise(&blocks[2], bins * row, 0);
    float *work = noise(&blocks[3], 4 * k->lanes * bins, 0);
    float *frames = noise(&blocks[4], k->lanes * nfft, 0);
    k->stft(&f, x, hop, n, re, im, row, work);
    for (int64_t t = 0; t < n; t++)
        for (int64_t b = 0; b < bins; b++) {
            double c = 0.0, s = 0.0;
            for (int64_t i = 0; i < nfft; i++) {
                const double a =
                    6.283185307179586 * (double)(b * i % nfft) / (double)nfft;
                const double v = (double)x[t * hop + i] *
                                 (0.5 - 0.5 * cos(6.283185307179586 *
                                                  (double)i / (double)nfft)) /
                                 sqrt((double)nfft);
                c += v * cos(a);
                s -= v * sin(a);
            }
            near((double)re[b * row + t], c, 5e-6, "stft re", k);
            near((double)im[b * row + t], s, 5e-6, "stft im", k);
        }
    k->istft(&f, re, im, row, n, frames, work);
    for (int64_t t = 0; t < n; t++)
        for (int64_t i = 0; i < nfft; i++) {
            double v = (double)re[t];
            for (int64_t b = 1; b < bins; b++) {
                const double a =
                    6.283185307179586 * (double)(b * i % nfft) / (double)nfft;
                v += 2.0 * ((double)re[b * row + t] * cos(a) -
                            (double)im[b * row + t] * sin(a));
            }
            v *= (0.5 -
                  0.5 * cos(6.283185307179586 * (double)i / (double)nfft)) /
                 sqrt((double)nfft) / 1.5;
            near((double)frames[t * nfft + i], v, 2e-5, "istft", k);
        }
    dmx_fourier_close(&f);
    for (int i = 0; i < 5; i++)
        free(blocks[i]);
}

/* ---- all of them --------------------------------------------------------- */

static void test_kernels(void **state)
{
    (void)state;
    static void (*const checks[])(const dmx_kernels *) = {
        check_gemm,     check_taps,       check_window,   check_normed,
        check_finish,   check_interleave, check_softmax,  check_softmax_weights,
        check_winograd, check_passes,     check_fourier,  check_widen,
        check_two_tap,  check_split,      check_strassen,
    };
    const char *given = getenv("DMX_SEED");
    const uint64_t start = given != NULL ? strtoull(given, NULL, 10) : 2026;
    for (int i = 0; dmx_kernels_name(i) != NULL; i++) {
        const dmx_kernels *k = dmx_kernels_find(dmx_kernels_name(i));
        check_functions(k);
        for (uint64_t round = 0; round < 100; round++) {
            seed = (start + round) * 2654435761u + 1;
            for (size_t c = 0; c < sizeof checks / sizeof checks[0]; c++)
                checks[c](k);
        }
        printf("%s: seeds %llu to %llu\n", k->name, (unsigned long long)start,
               (unsigned long long)start + 99);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kernels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
