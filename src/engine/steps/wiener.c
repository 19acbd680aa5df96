/* The multichannel Wiener filter by expectation-maximization, in double: one
 * frequency row and block of frames at a time. With the mixture x and the
 * estimates y_j of a bin, both divided by a scale of the block,
 *   v_j = mean of |y_j|^2 over the channels,
 *   R_j = sum over frames of y_j y_j^H / (1e-10 + sum over frames of v_j),
 *   y_j = v_j R_j (1e-5 I + sum over k of v_k R_k)^-1 x
 * after each iteration. Mixture bins of exactly zero count as 1.
 * Source: openunmix/filtering.py. */
#include "engine/steps/steps.h"

#include <math.h>
#include <string.h>

#define BLOCK    300 /* frames */
#define CHANNELS 2   /* at most */

typedef struct wiener_step {
    int64_t channels, sources, all; /* all: with the residual */
    int64_t iterations, blocks;
    bool residual;
} wiener_step;

enum { MAGNITUDES, MIXTURE, SCALES }; /* input slots */

typedef struct number {
    double re, im;
} number;

static number times(number a, number b)
{
    return (number){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

static void add(number *sum, double part, number a)
{
    sum->re += part * a.re;
    sum->im += part * a.im;
}

static double square(number a)
{
    return a.re * a.re + a.im * a.im;
}

static number over(number a, number b)
{
    const double d = square(b);
    return (number){(a.re * b.re + a.im * b.im) / d,
                    (a.im * b.re - a.re * b.im) / d};
}

static number mixture_at(const float *z, const dmx_plane *p, int64_t channel,
                         int64_t t)
{
    const number x = {(double)z[2 * channel * p->stride + t],
                      (double)z[(2 * channel + 1) * p->stride + t]};
    return x.re == 0.0 && x.im == 0.0 ? (number){1.0, 0.0} : x;
}

/* ---- the scales of the blocks ---------------------------------------------
 */

/* The largest squared magnitude of each block of a row. */
static void run_largest(const dmx_step *step, const dmx_frame *f, int64_t row,
                        float *scratch)
{
    (void)scratch;
    const wiener_step *w = step->parameters;
    const dmx_plane *p = dmx_plane_of(f, step->in[DMX_SLOT_INPUT]);
    const float *z =
        dmx_read(f, step->in[DMX_SLOT_INPUT]) + row * p->channels * p->stride;
    double *out = (double *)(void *)dmx_write(f, step->out[DMX_SLOT_OUTPUT]) +
                  row * w->blocks;
    memset(out, 0, (size_t)w->blocks * sizeof *out);
    for (int64_t c = 0; c < w->channels; c++)
        for (int64_t t = 0; t < p->cols; t++)
            out[t / BLOCK] =
                fmax(out[t / BLOCK], square(mixture_at(z, p, c, t)));
}

/* max(1, the largest magnitude / 10) of a block. */
static void run_scale(const dmx_step *step, const dmx_frame *f, int64_t block,
                      float *scratch)
{
    (void)scratch;
    const wiener_step *w = step->parameters;
    const int64_t rows = dmx_plane_of(f, step->in[MIXTURE])->rows;
    const double *largest =
        (const double *)(const void *)dmx_read(f, step->in[SCALES]);
    double most = 0.0;
    for (int64_t row = 0; row < rows; row++)
        most = fmax(most, largest[row * w->blocks + block]);
    double *out = (double *)(void *)dmx_write(f, step->out[DMX_SLOT_OUTPUT]);
    out[block] = fmax(1.0, sqrt(most) / 10.0);
}

/* ---- one row and block ----------------------------------------------------
 */

/* Estimates are [source][frame][channel]. */
typedef struct bins {
    const wiener_step *w;
    int64_t frames;
    number *x, *y, *r; /* r: [source][channel][channel] */
    double *v;         /* [source][frame] */
} bins;

static int64_t scratch_doubles(const wiener_step *w)
{
    const int64_t C = w->channels;
    return 2 * ((w->all + 1) * BLOCK * C + w->all * C * C) + w->all * BLOCK;
}

static bins divide(const wiener_step *w, int64_t frames, float *scratch)
{
    const int64_t C = w->channels;
    bins b = {.w = w, .frames = frames, .x = (number *)(void *)scratch};
    b.y = b.x + BLOCK * C;
    b.r = b.y + w->all * BLOCK * C;
    b.v = (double *)(b.r + w->all * C * C);
    return b;
}

static number *estimate(const bins *b, int64_t source, int64_t t)
{
    return b->y + (source * b->frames + t) * b->w->channels;
}

/* Frame t of the mixture and its first estimates: the mixture's phase. */
static void load(const bins *b, const float *m, const dmx_plane *pm,
                 const float *z, const dmx_plane *pz, int64_t t, double scale)
{
    const int64_t C = b->w->channels;
    for (int64_t c = 0; c < C; c++) {
        const number x = mixture_at(z, pz, c, t);
        const double part = 1.0 / scale, length = sqrt(square(x));
        number rest = {x.re * part, x.im * part};
        b->x[t * C + c] = rest;
        for (int64_t j = 0; j < b->w->sources; j++) {
            const double gain =
                (double)m[(j * C + c) * pm->stride + t] / length * part;
            const number y = {x.re * gain, x.im * gain};
            estimate(b, j, t)[c] = y;
            add(&rest, -1.0, y);
        }
        if (b->w->residual)
            estimate(b, b->w->sources, t)[c] = rest;
    }
}

/* Power and covariance of a source. */
static void model(const bins *b, int64_t j)
{
    const int64_t C = b->w->channels;
    number *r = b->r + j * C * C;
    double weight = 1e-10;
    memset(r, 0, (size_t)(C * C) * sizeof *r);
    for (int64_t t = 0; t < b->frames; t++) {
        const number *y = estimate(b, j, t);
        double v = 0.0;
        for (int64_t p = 0; p < C; p++) {
            v += square(y[p]) / (double)C;
            for (int64_t q = 0; q < C; q++)
                add(&r[p * C + q], 1.0,
                    times(y[p], (number){y[q].re, -y[q].im}));
        }
        b->v[j * b->frames + t] = v;
        weight += v;
    }
    for (int64_t i = 0; i < C * C; i++)
        r[i] = (number){r[i].re / weight, r[i].im / weight};
}

/* The inverse of the mixture's covariance at frame t, times x. */
static void whiten(number white[CHANNELS], const bins *b, int64_t t)
{
    const int64_t C = b->w->channels;
    const number *x = b->x + t * C;
    number sum[CHANNELS * CHANNELS] = {{0}};
    for (int64_t c = 0; c < C; c++)
        sum[c * (C + 1)].re = 1e-5;
    for (int64_t j = 0; j < b->w->all; j++)
        for (int64_t i = 0; i < C * C; i++)
            add(&sum[i], b->v[j * b->frames + t], b->r[j * C * C + i]);
    if (C == 1) {
        white[0] = over(x[0], sum[0]);
        return;
    }
    number determinant = times(sum[0], sum[3]);
    add(&determinant, -1.0, times(sum[1], sum[2]));
    for (int64_t c = 0; c < 2; c++) {
        number n = times(sum[3 - 3 * c], x[c]);
        add(&n, -1.0, times(sum[1 + c], x[1 - c]));
        white[c] = over(n, determinant);
    }
}

static void iterate(const bins *b)
{
    const int64_t C = b->w->channels;
    for (int64_t j = 0; j < b->w->all; j++)
        model(b, j);
    for (int64_t t = 0; t < b->frames; t++) {
        number white[CHANNELS];
        whiten(white, b, t);
        for (int64_t j = 0; j < b->w->all; j++)
            for (int64_t p = 0; p < C; p++) {
                number y = {0.0, 0.0};
                for (int64_t q = 0; q < C; q++)
                    add(&y, b->v[j * b->frames + t],
                        times(b->r[(j * C + p) * C + q], white[q]));
                estimate(b, j, t)[p] = y;
            }
    }
}

static void store(float *out, const dmx_plane *p, const bins *b, double scale)
{
    const int64_t C = b->w->channels;
    for (int64_t j = 0; j < b->w->sources; j++)
        for (int64_t c = 0; c < C; c++, out += 2 * p->stride)
            for (int64_t t = 0; t < b->frames; t++) {
                const number y = estimate(b, j, t)[c];
                out[t] = (float)(y.re * scale);
                out[p->stride + t] = (float)(y.im * scale);
            }
}

static void run_wiener(const dmx_step *step, const dmx_frame *f, int64_t task,
                       float *scratch)
{
    const wiener_step *w = step->parameters;
    const int64_t row = task / w->blocks, block = task % w->blocks;
    const int64_t t0 = block * BLOCK;
    const dmx_plane *pm = dmx_plane_of(f, step->in[MAGNITUDES]);
    const dmx_plane *pz = dmx_plane_of(f, step->in[MIXTURE]);
    const dmx_plane *po = dmx_plane_of(f, step->out[DMX_SLOT_OUTPUT]);
    const double scale =
        ((const double *)(const void *)dmx_read(f, step->in[SCALES]))[block];
    const bins b = divide(w, dmx_min(BLOCK, pm->cols - t0), scratch);
    const float *m = dmx_read(f, step->in[MAGNITUDES]) +
                     row * pm->channels * pm->stride + t0;
    const float *z =
        dmx_read(f, step->in[MIXTURE]) + row * pz->channels * pz->stride + t0;
    for (int64_t t = 0; t < b.frames; t++)
        load(&b, m, pm, z, pz, t, scale);
    for (int64_t i = 0; i < w->iterations; i++)
        iterate(&b);
    store(dmx_write(f, step->out[DMX_SLOT_OUTPUT]) +
              row * po->channels * po->stride + t0,
          po, &b, scale);
}

/* ---- steps ----------------------------------------------------------------
 */

static dmx_status add_scales(dmx_buf *scales, struct dmx_engine *e,
                             const char *path, wiener_step *w, dmx_buf z,
                             dmx_error *err)
{
    const int64_t rows = e->buffer[z].plane.rows;
    dmx_buf largest;
    DMX_FORWARD(dmx_program_doubles(&largest, e, rows * w->blocks, err));
    DMX_FORWARD(dmx_program_doubles(scales, e, w->blocks, err));
    dmx_step step = {
        .kind = "largest",
        .path = path,
        .run = run_largest,
        .parameters = w,
        .in = {[DMX_SLOT_INPUT] = z},
        .out = {[DMX_SLOT_OUTPUT] = largest},
        .tasks = rows,
    };
    DMX_FORWARD(dmx_program_add(e, &step, err));
    step = (dmx_step){
        .kind = "scale",
        .path = path,
        .run = run_scale,
        .parameters = w,
        .in = {[MIXTURE] = z, [SCALES] = largest},
        .out = {[DMX_SLOT_OUTPUT] = *scales},
        .tasks = w->blocks,
    };
    return dmx_program_add(e, &step, err);
}

dmx_status dmx_step_wiener(struct dmx_engine *e, const char *path, dmx_buf m,
                           dmx_buf z, dmx_buf out, int64_t iterations,
                           bool residual, dmx_error *err)
{
    const dmx_plane *p = &e->buffer[m].plane;
    wiener_step *w = dmx_program_parameters(e, sizeof *w, err);
    dmx_buf scales;
    if (w == NULL)
        return DMX_ERROR_MEMORY;
    w->channels = e->buffer[z].plane.channels / 2;
    w->sources = p->channels / w->channels;
    w->all = w->sources + (residual ? 1 : 0);
    w->iterations = iterations;
    w->residual = residual;
    w->blocks = (p->cols + BLOCK - 1) / BLOCK;
    const int64_t tasks = p->rows * w->blocks;
    DMX_FORWARD(add_scales(&scales, e, path, w, z, err));
    const dmx_step step = {
        .kind = "wiener",
        .path = path,
        .run = run_wiener,
        .parameters = w,
        .in = {[MAGNITUDES] = m, [MIXTURE] = z, [SCALES] = scales},
        .out = {[DMX_SLOT_OUTPUT] = out},
        .tasks = tasks,
        .scratch = 2 * scratch_doubles(w) + DMX_LINE,
    };
    return dmx_program_add(e, &step, err);
}
