/* The multichannel Wiener filter, refined by expectation-maximization
 * (openunmix.filtering, as demucs.hdemucs.HDemucs._wiener calls it). Blocks of
 * 300 frames are filtered independently. In a block, with the mixture x [C] and
 * the estimates y_j [C] of its sources, all divided by a common scale, for each
 * bin independently:
 *   v_j[t] = mean over channels of |y_j[t]|^2
 *   R_j    = sum over t of y_j y_j^H / (1e-10 + sum over t of v_j)
 *   G_j[t] = v_j R_j (1e-5 I + sum over k of v_k R_k)^-1,  y_j[t] = G_j x[t]
 * Mixture bins of exactly zero count as 1, as the original's atan2 leaves them.
 */
#include "base/parallel.h"
#include "reference/reference_ops.h"

#include <complex.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { BLOCK = 300, CHANNELS = 2 };

typedef double _Complex complex64;

typedef struct wiener {
    const dmx_reference_step *step;
    int64_t channels, sources, all; /* all: with the residual */
    int64_t bins, time;
    int64_t first, count; /* frames of the block */
    double scale;
    atomic_bool out_of_memory;
} wiener;

/* One bin of a block. */
typedef struct bin {
    complex64 *x; /* [count][C] */
    complex64 *y; /* [sources][count][C] */
    complex64 *r; /* [sources][C][C] */
    double *v;    /* [sources][count] */
} bin;

static int64_t place(const wiener *w, int64_t channel, int64_t f, int64_t t)
{
    return (channel * w->bins + f) * w->time + w->first + t;
}

static complex64 mixture(const wiener *w, int64_t c, int64_t f, int64_t t)
{
    const double *z = w->step->in[1].data;
    const double re = z[place(w, 2 * c, f, t)];
    const double im = z[place(w, 2 * c + 1, f, t)];
    return re == 0.0 && im == 0.0 ? 1.0 : re + im * I;
}

static double power(complex64 z)
{
    return creal(z) * creal(z) + cimag(z) * cimag(z);
}

/* The mixture and the first estimates, divided by the scale. */
static void load(const wiener *w, const bin *b, int64_t f)
{
    for (int64_t t = 0; t < w->count; t++)
        for (int64_t c = 0; c < w->channels; c++) {
            const complex64 x = mixture(w, c, f, t);
            complex64 rest = x;
            for (int64_t j = 0; j < w->sources; j++) {
                const double m =
                    w->step->in[0].data[place(w, j * w->channels + c, f, t)];
                const complex64 y = m / sqrt(power(x)) * x;
                b->y[(j * w->count + t) * w->channels + c] = y / w->scale;
                rest -= y;
            }
            if (w->all > w->sources)
                b->y[(w->sources * w->count + t) * w->channels + c] =
                    rest / w->scale;
            b->x[t * w->channels + c] = x / w->scale;
        }
}

/* v_j and R_j */
static void model(const wiener *w, const bin *b, int64_t j)
{
    const int64_t C = w->channels;
    complex64 *r = b->r + j * C * C;
    double weight = 1e-10;
    for (int64_t i = 0; i < C * C; i++)
        r[i] = 0.0;
    for (int64_t t = 0; t < w->count; t++) {
        const complex64 *y = b->y + (j * w->count + t) * C;
        double v = 0.0;
        for (int64_t p = 0; p < C; p++) {
            v += power(y[p]) / (double)C;
            for (int64_t q = 0; q < C; q++)
                r[DMX_MUTANT(WIENER_TRANSPOSED) ? q * C + p : p * C + q] +=
                    y[p] * conj(y[q]);
        }
        b->v[j * w->count + t] = v;
        weight += v;
    }
    for (int64_t i = 0; i < C * C; i++)
        r[i] /= weight;
}

/* The inverse of a 1x1 or 2x2 matrix. */
static void invert(complex64 *to, const complex64 *a, int64_t C)
{
    if (C == 1) {
        to[0] = 1.0 / a[0];
        return;
    }
    const complex64 d = a[0] * a[3] - a[1] * a[2];
    to[0] = a[3] / d;
    to[1] = -a[1] / d;
    to[2] = -a[2] / d;
    to[3] = a[0] / d;
}

/* Cxx^-1 x of one frame. */
static void whiten(complex64 *to, const wiener *w, const bin *b, int64_t t)
{
    const int64_t C = w->channels;
    complex64 sum[CHANNELS * CHANNELS], inverse[CHANNELS * CHANNELS];
    for (int64_t i = 0; i < C * C; i++)
        sum[i] =
            i % (C + 1) == 0 && !DMX_MUTANT(WIENER_UNREGULARIZED) ? 1e-5 : 0.0;
    for (int64_t j = 0; j < w->all; j++)
        for (int64_t i = 0; i < C * C; i++)
            sum[i] += b->v[j * w->count + t] * b->r[j * C * C + i];
    invert(inverse, sum, C);
    for (int64_t p = 0; p < C; p++) {
        to[p] = 0.0;
        for (int64_t q = 0; q < C; q++)
            to[p] += inverse[p * C + q] * b->x[t * C + q];
    }
}

static void filter(const wiener *w, const bin *b)
{
    const int64_t C = w->channels;
    for (int64_t j = 0; j < w->all; j++)
        model(w, b, j);
    for (int64_t t = 0; t < w->count; t++) {
        complex64 white[CHANNELS];
        whiten(white, w, b, t);
        for (int64_t j = 0; j < w->all; j++)
            for (int64_t p = 0; p < C; p++) {
                complex64 sum = 0.0;
                for (int64_t q = 0; q < C; q++)
                    sum += b->r[(j * C + p) * C + q] * white[q];
                b->y[(j * w->count + t) * C + p] = b->v[j * w->count + t] * sum;
            }
    }
}

static void store(const wiener *w, const bin *b, int64_t f)
{
    double *out = w->step->out[0].data;
    for (int64_t j = 0; j < w->sources; j++)
        for (int64_t c = 0; c < w->channels; c++)
            for (int64_t t = 0; t < w->count; t++) {
                const int64_t k = 2 * (j * w->channels + c);
                const complex64 y =
                    b->y[(j * w->count + t) * w->channels + c] * w->scale;
                out[place(w, k, f, t)] = creal(y);
                out[place(w, k + 1, f, t)] = cimag(y);
            }
}

static void task(void *context, size_t index)
{
    wiener *w = context;
    const size_t C = (size_t)w->channels, n = (size_t)w->count;
    const size_t all = (size_t)w->all;
    bin b = {.x = calloc((all + 1) * n * C + all * C * C, sizeof *b.x),
             .v = calloc(all * n, sizeof *b.v)};
    if (b.x == NULL || b.v == NULL) {
        atomic_store(&w->out_of_memory, true);
    } else {
        b.y = b.x + n * C;
        b.r = b.y + all * n * C;
        load(w, &b, (int64_t)index);
        for (int64_t i = 0; i < w->step->node->at.iterations; i++)
            filter(w, &b);
        store(w, &b, (int64_t)index);
    }
    free(b.x);
    free(b.v);
}

/* max(1, the largest magnitude of the mixture / 10) */
static double block_scale(const wiener *w)
{
    double most = 1.0;
    for (int64_t c = 0; c < w->channels; c++)
        for (int64_t f = 0; f < w->bins; f++)
            for (int64_t t = 0; t < w->count; t++)
                most = fmax(most, sqrt(power(mixture(w, c, f, t))) / 10.0);
    return most;
}

dmx_status dmx_reference_wiener(const dmx_reference_step *s)
{
    wiener w = {.step = s, .bins = s->in[0].shape.dim[1]};
    w.time = s->in[0].shape.dim[2];
    w.channels = s->in[1].shape.dim[0] / 2;
    w.sources = s->in[0].shape.dim[0] / w.channels;
    w.all = w.sources + (s->node->at.residual ? 1 : 0);
    for (w.first = 0; w.first < w.time; w.first += BLOCK) {
        w.count = w.time - w.first < BLOCK ? w.time - w.first : BLOCK;
        w.scale = block_scale(&w);
        dmx_parallel(s->threads, (size_t)w.bins, task, &w);
    }
    DMX_RETURN_IF(atomic_load(&w.out_of_memory), s->err, DMX_ERROR_MEMORY,
                  "no memory for a Wiener filter");
    return DMX_OK;
}
