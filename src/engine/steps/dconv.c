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
#include "engine/steps/product.h"
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

/* The size of a piece's partial statistics: count, means [H], sums of products
 * of differences [H][H] (lower half). */
static int64_t piece_doubles(int64_t hidden)
{
    return 1 + hidden + hidden * hidden;
}

enum { PIECES = DMX_SLOT_OUTPUT + 1 }; /* output slot */

static const double *doubles_at(const dmx_frame *f, dmx_buf b)
{
    return (const double *)(const void *)dmx_read(f, b);
}

/* h = gelu(norm1(u)) in place for one piece, and its covariance. */
static void run_hidden(const dmx_step *step, const dmx_frame *f, int64_t task,
                       float *scratch)
{
    (void)scratch;
    const dconv_step *d = step->parameters;
    const dmx_kernels *k = f->engine->kernels;
    const dmx_plane *p = dmx_plane_of(f, step->out[DMX_SLOT_OUTPUT]);
    const int64_t row = task / d->pieces, at = task % d->pieces * DMX_PIECE;
    const int64_t n = dmx_min(DMX_PIECE, p->cols - at), H = d->hidden;
    const dmx_moments m =
        dmx_merge_moments((const dmx_moments *)(const void *)dmx_read(
                              f, step->in[DMX_SLOT_INPUT]) +
                              row * d->pieces,
                          d->pieces);
    const double r = 1.0 / sqrt(m.m2 / m.count + d->epsilon1);
    float *h =
        dmx_write(f, step->out[DMX_SLOT_OUTPUT]) + row * H * p->stride + at;
    double *out = (double *)(void *)dmx_write(f, step->out[PIECES]) +
                  task * piece_doubles(H);
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

/* Merges the pieces of a row into `all` (count, means, products). */
static void join_pieces(double *all, const double *part, int64_t pieces,
                        int64_t H)
{
    memcpy(all, part, (size_t)piece_doubles(H) * sizeof *all);
    double *mean = all + 1, *product = mean + H;
    for (int64_t p = 1; p < pieces; p++) {
        part += piece_doubles(H);
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
    double *all = (double *)(void *)scratch, *centre = all + piece_doubles(H),
           m;
    float *gain =
        dmx_write(f, step->out[DMX_SLOT_OUTPUT]) + task * 2 * d->matrix.rows;
    float *offset = gain + d->matrix.rows;
    join_pieces(all,
                doubles_at(f, step->in[DMX_SLOT_INPUT]) +
                    task * d->pieces * piece_doubles(H),
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

static dmx_status doubles_of(const double **out, struct dmx_engine *e,
                             const float *from, int64_t n, dmx_error *err)
{
    float *room;
    DMX_FORWARD(dmx_program_floats(&room, e, 2 * n, err));
    double *p = (double *)(void *)room;
    for (int64_t i = 0; i < n; i++)
        p[i] = (double)from[i];
    *out = p;
    return DMX_OK;
}

static dmx_status gram_of(const double **out, struct dmx_engine *e,
                          const float *w, int64_t outputs, int64_t H,
                          dmx_error *err)
{
    float *room;
    DMX_FORWARD(dmx_program_floats(&room, e, 2 * H * H, err));
    double *g = (double *)(void *)room;
    for (int64_t i = 0; i < H; i++)
        for (int64_t j = 0; j <= i; j++) {
            double sum = 0.0;
            for (int64_t o = 0; o < outputs; o++)
                sum += (double)w[o * H + i] * (double)w[o * H + j];
            g[i * H + j] = sum / (double)outputs;
        }
    *out = g;
    return DMX_OK;
}

static dmx_status fill(dconv_step *s, struct dmx_engine *e, const dmx_dconv *d,
                       dmx_error *err)
{
    const int64_t H = d->hidden, outputs = 2 * d->channels;
    const dmx_dense dense = {.weight = d->w2,
                             .channels = d->channels,
                             .k = H,
                             .phases = {1, 1},
                             .glu = true};
    s->hidden = H;
    s->channels = d->channels;
    s->epsilon1 = d->epsilon1;
    s->epsilon2 = d->epsilon2;
    DMX_FORWARD(dmx_program_copy(&s->weight1, e, d->weight1, H, err));
    DMX_FORWARD(dmx_program_copy(&s->bias1, e, d->bias1, H, err));
    DMX_FORWARD(doubles_of(&s->w2, e, d->w2, outputs * H, err));
    DMX_FORWARD(doubles_of(&s->b2, e, d->b2, outputs, err));
    DMX_FORWARD(doubles_of(&s->weight2, e, d->weight2, outputs, err));
    DMX_FORWARD(doubles_of(&s->bias2, e, d->bias2, outputs, err));
    DMX_FORWARD(gram_of(&s->gram, e, d->w2, outputs, H, err));
    return dmx_matrix_pack(&s->matrix, e, &dense, err);
}

/* Whether tiles of DMX_NARROW rows waste fewer rows. */
static bool narrow_pays(const struct dmx_engine *e, int64_t rows)
{
    return rows <= 4 * DMX_NARROW &&
           dmx_round_up(rows, DMX_NARROW) < dmx_round_up(rows, e->kernels->mr);
}

static dmx_status add_first(struct dmx_engine *e, const dmx_dconv *d, dmx_buf u,
                            dmx_error *err)
{
    const dmx_plane *x = &e->buffer[d->x].plane;
    const dmx_product p = {
        .kind = "dconv 1",
        .path = d->path,
        .in = d->x,
        .out = u,
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
    return dmx_step_product(e, &p, err);
}

/* Computes the second norm's gains from the hidden channels u, which become h.
 */
static dmx_status add_gains(dmx_buf *gains, struct dmx_engine *e,
                            const dmx_dconv *d, dconv_step *s, dmx_buf u,
                            dmx_error *err)
{
    const int64_t rows = e->buffer[u].plane.rows, H = d->hidden;
    dmx_buf moments, pieces;
    DMX_FORWARD(dmx_step_moments(&moments, e, d->path, u, 1, err));
    DMX_FORWARD(dmx_program_doubles(&pieces, e,
                                    rows * s->pieces * piece_doubles(H), err));
    DMX_FORWARD(dmx_program_buffer(
        gains, e, dmx_plane_make(1, 1, rows * 2 * s->matrix.rows), err));
    const dmx_step hidden = {
        .kind = "dconv hidden",
        .path = d->path,
        .run = run_hidden,
        .parameters = s,
        .in = {[DMX_SLOT_INPUT] = moments},
        .out = {[DMX_SLOT_OUTPUT] = u, [PIECES] = pieces},
        .tasks = rows * s->pieces,
        .row_tasks = s->pieces,
        .local = DMX_SLOT_BIT(DMX_SLOT_INPUT),
    };
    DMX_FORWARD(dmx_program_add(e, &hidden, err));
    const dmx_step merge = {
        .kind = "dconv gains",
        .path = d->path,
        .run = run_gains,
        .parameters = s,
        .in = {[DMX_SLOT_INPUT] = pieces},
        .out = {[DMX_SLOT_OUTPUT] = *gains},
        .tasks = rows,
        .row_tasks = 1,
        .local = DMX_SLOT_BIT(DMX_SLOT_INPUT),
        .scratch = 2 * (piece_doubles(H) + 2 * d->channels),
    };
    return dmx_program_add(e, &merge, err);
}

static dmx_status add_second(struct dmx_engine *e, const dmx_dconv *d,
                             const dconv_step *s, dmx_buf h, dmx_buf gains,
                             dmx_error *err)
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
    return dmx_step_product(e, &p, err);
}

dmx_status dmx_step_dconv(struct dmx_engine *e, const dmx_dconv *d,
                          dmx_error *err)
{
    const dmx_plane x = e->buffer[d->x].plane;
    dconv_step *s = dmx_program_parameters(e, sizeof *s, err);
    dmx_buf hidden, gains;
    if (s == NULL)
        return DMX_ERROR_MEMORY;
    s->pieces = dmx_pieces(&x);
    DMX_FORWARD(dmx_program_buffer(
        &hidden, e, dmx_plane_make(x.rows, d->hidden, x.cols), err));
    DMX_FORWARD(fill(s, e, d, err));
    DMX_FORWARD(add_first(e, d, hidden, err));
    DMX_FORWARD(add_gains(&gains, e, d, s, hidden, err));
    return add_second(e, d, s, hidden, gains, err);
}
