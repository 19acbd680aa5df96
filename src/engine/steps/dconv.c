/* The residual branch of Demucs, x + scale * glu(norm2(y)), y = W h + b,
 * h = gelu(norm1(u)), u = w1 * x, without ever storing the 2C x T tensor y.
 *
 * norm2 is over all of y, [2C][T], but y has only H = C/8 independent rows, so
 * its moments follow from those of h. With mu the mean of h over time, C its
 * covariance and m = mean_o(W_o mu + b_o):
 *   mean(y) = m,
 *   var(y) = sum_ij (W'W)_ij C_ij / 2C + mean_o (W_o mu + b_o - m)^2,
 * everything centred, so nothing cancels. Then norm2 is one gain and one
 * offset per output channel, and the second convolution, norm, GLU, scale and
 * residual are one product. Statistics are per row; all sums in double. */
#include "engine/steps/moments.h"
#include "engine/steps/steps.h"

#include <math.h>
#include <string.h>

typedef struct dconv_step {
    int64_t hidden, channels, pieces;
    const float *weight1, *bias1;
    double epsilon1, epsilon2;
    const double *w2, *b2;         /* [2C][H], [2C] */
    const double *gram;            /* W'W / 2C, [H][H] */
    const double *weight2, *bias2; /* [2C] */
    dmx_matrix matrix;             /* of w2 */
} dconv_step;

/* What a piece of a row leaves behind: count, means [H], sums of products of
 * differences [H][H] (lower half). */
static int64_t leavings(int64_t hidden)
{
    return 1 + hidden + hidden * hidden;
}

static const double *doubles_at(const dmx_frame *f, dmx_buf b)
{
    return (const double *)(const void *)dmx_at(f, b);
}

/* h = gelu(norm1(u)) in place for one piece, and its covariance. */
static void run_hidden(const dmx_step *step, const dmx_frame *f, int64_t task,
                       float *scratch)
{
    (void)scratch;
    const dconv_step *d = step->parameters;
    const dmx_kernels *k = f->engine->kernels;
    const dmx_plane *p = dmx_plane_of(f, step->out[0]);
    const int64_t row = task / d->pieces, at = task % d->pieces * DMX_PIECE;
    const int64_t n = dmx_min(DMX_PIECE, p->cols - at), H = d->hidden;
    const dmx_moments m = dmx_merge_moments(
        (const dmx_moments *)(const void *)dmx_at(f, step->in[0]) +
            row * d->pieces,
        d->pieces);
    const double r = 1.0 / sqrt(m.m2 / m.count + d->epsilon1);
    float *h = dmx_at(f, step->out[0]) + row * H * p->stride + at;
    double *out =
        (double *)(void *)dmx_at(f, step->out[1]) + task * leavings(H);
    double *mean = out + 1, *product = mean + H;
    out[0] = (double)n;
    for (int64_t i = 0; i < H; i++) {
        const double gain = (double)d->weight1[i] * r;
        k->affine_gelu(h + i * p->stride, (float)gain,
                       (float)((double)d->bias1[i] - m.mean * gain), n);
        mean[i] = k->sum(h + i * p->stride, n) / (double)n;
        for (int64_t j = 0; j <= i; j++) {
            const float mi = (float)mean[i], mj = (float)mean[j];
            const double c =
                k->covariance(h + i * p->stride, h + j * p->stride, mi, mj, n);
            product[i * H + j] =
                c - (double)n * (mean[i] - (double)mi) * (mean[j] - (double)mj);
        }
    }
}

/* Joins the pieces of a row into all (count, means, products). */
static void join_pieces(double *all, const double *part, int64_t pieces,
                        int64_t H)
{
    memcpy(all, part, (size_t)leavings(H) * sizeof *all);
    double *mean = all + 1, *product = mean + H;
    for (int64_t p = 1; p < pieces; p++) {
        part += leavings(H);
        const double *m = part + 1, *q = m + H;
        const double count = all[0] + part[0];
        const double share = all[0] * part[0] / count;
        for (int64_t i = 0; i < H; i++)
            for (int64_t j = 0; j <= i; j++)
                product[i * H + j] +=
                    q[i * H + j] + share * (m[i] - mean[i]) * (m[j] - mean[j]);
        for (int64_t i = 0; i < H; i++)
            mean[i] += (m[i] - mean[i]) * part[0] / count;
        all[0] = count;
    }
}

/* y's mean into *m; returns its variance. centre: room for [2C]. */
static double moments_of_y(const dconv_step *d, const double *all,
                           double *centre, double *m)
{
    const int64_t H = d->hidden, outputs = 2 * d->channels;
    const double *mean = all + 1, *product = mean + H;
    double within = 0.0, between = 0.0, total = 0.0;
    for (int64_t i = 0; i < H; i++)
        for (int64_t j = 0; j <= i; j++)
            within +=
                (i == j ? 1.0 : 2.0) * d->gram[i * H + j] * product[i * H + j];
    for (int64_t o = 0; o < outputs; o++) {
        centre[o] = d->b2[o];
        for (int64_t i = 0; i < H; i++)
            centre[o] += d->w2[o * H + i] * mean[i];
        total += centre[o];
    }
    *m = total / (double)outputs;
    for (int64_t o = 0; o < outputs; o++)
        between += (centre[o] - *m) * (centre[o] - *m);
    return within / all[0] + between / (double)outputs;
}

/* norm2 as a gain and an offset per row of the packed matrix. */
static void run_gains(const dmx_step *step, const dmx_frame *f, int64_t task,
                      float *scratch)
{
    const dconv_step *d = step->parameters;
    const int64_t H = d->hidden, outputs = 2 * d->channels;
    double *all = (double *)(void *)scratch, *centre = all + leavings(H), m;
    float *gain = dmx_at(f, step->out[0]) + task * 2 * d->matrix.rows;
    float *offset = gain + d->matrix.rows;
    join_pieces(all,
                doubles_at(f, step->in[0]) + task * d->pieces * leavings(H),
                d->pieces, H);
    const double r = 1.0 / sqrt(moments_of_y(d, all, centre, &m) + d->epsilon2);
    for (int64_t i = 0; i < outputs; i++) {
        centre[i] = d->weight2[i] * r;
    }
    for (int64_t j = 0; j < d->matrix.n_block; j++) {
        const dmx_block *b = &d->matrix.block[j];
        for (int64_t i = 0; i < b->channels; i++)
            for (int64_t half = 0; half < 2; half++) {
                const int64_t at = b->row0 + i + half * b->gate;
                const int64_t o = b->channel + i + half * d->channels;
                gain[at] = (float)centre[o];
                offset[at] = (float)(d->bias2[o] + (d->b2[o] - m) * centre[o]);
            }
    }
}

static double *widen(struct dmx_engine *e, const float *from, int64_t n)
{
    double *p = (double *)(void *)dmx_engine_floats(e, 2 * n);
    for (int64_t i = 0; p != NULL && i < n; i++)
        p[i] = (double)from[i];
    return p;
}

static double *gram_of(struct dmx_engine *e, const float *w, int64_t outputs,
                       int64_t H)
{
    double *g = (double *)(void *)dmx_engine_floats(e, 2 * H * H);
    for (int64_t i = 0; g != NULL && i < H; i++)
        for (int64_t j = 0; j <= i; j++) {
            double sum = 0.0;
            for (int64_t o = 0; o < outputs; o++)
                sum += (double)w[o * H + i] * (double)w[o * H + j];
            g[i * H + j] = sum / (double)outputs;
        }
    return g;
}

static bool fill(dconv_step *s, struct dmx_engine *e, const dmx_dconv *d)
{
    const int64_t H = d->hidden, outputs = 2 * d->channels;
    float *norm = dmx_engine_floats(e, 2 * H);
    if (norm == NULL)
        return false;
    memcpy(norm, d->weight1, (size_t)H * sizeof *norm);
    memcpy(norm + H, d->bias1, (size_t)H * sizeof *norm);
    s->hidden = H;
    s->channels = d->channels;
    s->weight1 = norm;
    s->bias1 = norm + H;
    s->epsilon1 = d->epsilon1;
    s->epsilon2 = d->epsilon2;
    s->w2 = widen(e, d->w2, outputs * H);
    s->b2 = widen(e, d->b2, outputs);
    s->weight2 = widen(e, d->weight2, outputs);
    s->bias2 = widen(e, d->bias2, outputs);
    s->gram = gram_of(e, d->w2, outputs, H);
    const dmx_dense dense = {.weight = d->w2,
                             .channels = d->channels,
                             .k = H,
                             .phases = {1, 1},
                             .glu = true};
    return s->w2 != NULL && s->b2 != NULL && s->weight2 != NULL &&
           s->bias2 != NULL && s->gram != NULL &&
           dmx_matrix_pack(&s->matrix, e, &dense);
}

/* Whether tiles of DMX_NARROW rows waste fewer rows. */
static bool narrow_pays(const struct dmx_engine *e, int64_t rows)
{
    return rows <= 4 * DMX_NARROW &&
           dmx_round_up(rows, DMX_NARROW) < dmx_round_up(rows, e->kernels->mr);
}

static bool add_first(struct dmx_engine *e, const dmx_dconv *d, dmx_buf u)
{
    const dmx_plane *x = &e->buffer[d->x].plane;
    const dmx_product p = {
        .kind = "dconv 1",
        .path = d->path,
        .in = d->x,
        .out = u,
        .add = -1,
        .gain = -1,
        .dense = {.weight = d->w1,
                  .bias = d->b1,
                  .channels = d->hidden,
                  .k = d->channels * d->taps,
                  .phases = {1, 1},
                  .tile = narrow_pays(e, d->hidden) ? DMX_NARROW : 0},
        .window = {.kernel = {1, d->taps},
                   .step = {1, 1},
                   .dilation = {1, d->dilation},
                   .padding = {0, d->padding}},
        .flops = 2.0 * (double)(d->hidden * d->channels * d->taps) *
                 (double)(x->rows * x->cols),
    };
    return dmx_step_product(e, &p);
}

static bool add_second(struct dmx_engine *e, const dmx_dconv *d,
                       const dconv_step *s, dmx_buf h, dmx_buf gains)
{
    const dmx_plane *x = &e->buffer[d->x].plane;
    const dmx_product p = {
        .kind = "dconv 2",
        .path = d->path,
        .in = h,
        .out = d->out,
        .matrix = &s->matrix,
        .dense = {.phases = {1, 1}},
        .window = {.kernel = {1, 1}, .step = {1, 1}, .dilation = {1, 1}},
        .activation = DMX_ACT_GLU,
        .scale = d->scale,
        .add = d->x,
        .add_gain = 1.0f,
        .gain = gains,
        .flops = 4.0 * (double)(d->hidden * d->channels) *
                 (double)(x->rows * x->cols),
    };
    return dmx_step_product(e, &p);
}

bool dmx_step_dconv(struct dmx_engine *e, const dmx_dconv *d)
{
    const dmx_plane x = e->buffer[d->x].plane;
    const int64_t H = d->hidden;
    dconv_step *s = dmx_engine_parameters(e, sizeof *s);
    const dmx_buf u = dmx_engine_buffer(e, dmx_plane_make(x.rows, H, x.cols));
    if (s == NULL || u < 0 || !fill(s, e, d) || !add_first(e, d, u))
        return false;
    s->pieces = dmx_pieces(&x);
    const dmx_buf part = dmx_step_moments(e, d->path, u, 1);
    const dmx_buf left =
        dmx_engine_doubles(e, x.rows * s->pieces * leavings(H));
    const dmx_buf gains =
        dmx_engine_buffer(e, dmx_plane_make(1, 1, x.rows * 2 * s->matrix.rows));
    dmx_step *hidden = dmx_engine_step(e, "dconv hidden", d->path);
    if (part < 0 || left < 0 || gains < 0 || hidden == NULL)
        return false;
    hidden->run = run_hidden;
    hidden->parameters = s;
    hidden->in[0] = part;
    hidden->out[0] = u;
    hidden->out[1] = left;
    hidden->tasks = x.rows * s->pieces;
    hidden->row_tasks = s->pieces;
    hidden->local = 1;
    dmx_step *merge = dmx_engine_step(e, "dconv gains", d->path);
    if (merge == NULL)
        return false;
    merge->run = run_gains;
    merge->parameters = s;
    merge->in[0] = left;
    merge->out[0] = gains;
    merge->tasks = x.rows;
    merge->row_tasks = 1;
    merge->local = 1;
    merge->scratch = 2 * (leavings(H) + 2 * d->channels);
    return add_second(e, d, s, u, gains);
}
