/* Convolutions as matrix products with gathered columns.
 *
 * A transposed convolution with stride s is s ordinary ones with stride 1, one
 * for each phase p of the output position s q + p:
 *   y[s q + p] = sum_j w[p + s j] x[q - j]
 * so that both kinds are one product: a row is an output channel and phase, a
 * column a grid position q, the inner index an input channel and tap, and
 *   source = step * q + tap * j - offset        along each axis. */
#include "reference/gemm64.h"
#include "reference/reference_ops.h"

#include <stdlib.h>
#include <string.h>

typedef struct conv {
    const dmx_reference_step *node_step;
    const double *bias;
    int64_t in[3], out[3]; /* [C][F][T] */
    int64_t grid[2];       /* positions q */
    int64_t taps[2];       /* j */
    int64_t phases[2];     /* p; 1 for an ordinary convolution */
    int64_t step[2], tap[2], offset[2];
} conv;

/* Consecutive grid positions of one row. */
typedef struct run {
    int64_t row, first, count;
} run;

/* The next run of the columns from `column` on, at most `left` of them. */
static run next_run(const conv *c, size_t column, size_t left)
{
    const int64_t at = (int64_t)column, most = (int64_t)left;
    const int64_t first = at % c->grid[1], room = c->grid[1] - first;
    return (run){at / c->grid[1], first, most < room ? most : room};
}

/* Copies x[t], x[t + step], ... with zeros outside [0, length). */
static void copy_line(double *to, const double *x, int64_t length, int64_t t,
                      int64_t step, int64_t count)
{
    for (int64_t i = 0; i < count; i++, t += step)
        to[i] = t >= 0 && t < length ? x[t] : 0.0;
}

/* The same for step 1, where the part inside is contiguous. */
static void copy_piece(double *to, const double *x, int64_t length, int64_t t,
                       int64_t count)
{
    if (t >= 0 && t + count <= length)
        memcpy(to, x + t, (size_t)count * sizeof *to);
    else
        copy_line(to, x, length, t, 1, count);
}

/* Input channel and tap of the inner index k. */
typedef struct inner {
    int64_t channel, jf, jt;
} inner;

static inner inner_at(const conv *c, size_t k)
{
    const int64_t at = (int64_t)k;
    return (inner){at / (c->taps[0] * c->taps[1]), at / c->taps[1] % c->taps[0],
                   at % c->taps[1]};
}

static void advance(const conv *c, inner *i)
{
    if (++i->jt < c->taps[1])
        return;
    i->jt = 0;
    if (++i->jf < c->taps[0])
        return;
    i->jf = 0;
    i->channel++;
}

/* One row of B over the columns of a run. */
static void gather_line(const conv *c, double *to, const inner *i, run r)
{
    const double *x = c->node_step->in[0].data;
    const int64_t f = c->step[0] * r.row + c->tap[0] * i->jf - c->offset[0];
    const int64_t t = c->step[1] * r.first + c->tap[1] * i->jt - c->offset[1];
    const bool inside = f >= 0 && f < c->in[1];
    const double *line =
        x + (i->channel * c->in[1] + (inside ? f : 0)) * c->in[2];
    const int64_t length = inside ? c->in[2] : 0;
    if (c->step[1] == 1)
        copy_piece(to, line, length, t, r.count);
    else
        copy_line(to, line, length, t, c->step[1], r.count);
}

static void gather(const void *context, double *b, size_t stride, size_t k0,
                   size_t k1, size_t first, size_t count)
{
    const conv *c = context;
    for (size_t done = 0; done < count;) {
        const run r = next_run(c, first + done, count - done);
        inner i = inner_at(c, k0);
        for (size_t k = k0; k < k1; k++, advance(c, &i))
            gather_line(c, b + (k - k0) * stride + done, &i, r);
        done += (size_t)r.count;
    }
}

/* One row of the product as every phases[1]-th element of an output line. */
static void store_line(const conv *c, double *line, const double *product,
                       double bias, int64_t phase, run r)
{
    const int64_t step = c->phases[1];
    const int64_t first = r.first * step + phase;
    const int64_t room = (c->out[2] - first + step - 1) / step;
    const int64_t count = r.count < room ? r.count : room;
    for (int64_t i = 0; i < count; i++)
        line[first + i * step] = product[i] + bias;
}

static void store_run(const conv *c, const double *product, size_t stride,
                      run r)
{
    const int64_t phases = c->phases[0] * c->phases[1];
    for (int64_t row = 0; row < c->out[0] * phases; row++, product += stride) {
        const int64_t channel = row / phases;
        const int64_t pf = row % phases / c->phases[1];
        const int64_t f = r.row * c->phases[0] + pf;
        double *line =
            c->node_step->out[0].data + (channel * c->out[1] + f) * c->out[2];
        if (f < c->out[1])
            store_line(c, line, product, c->bias[channel], row % c->phases[1],
                       r);
    }
}

static void store(void *context, const double *product, size_t stride,
                  size_t first, size_t count)
{
    const conv *c = context;
    for (size_t done = 0; done < count;) {
        const run r = next_run(c, first + done, count - done);
        store_run(c, product + done, stride, r);
        done += (size_t)r.count;
    }
}

static dmx_status multiply(conv *c, const double *weight)
{
    const dmx_reference_step *s = c->node_step;
    const int64_t rows = c->out[0] * c->phases[0] * c->phases[1];
    const int64_t depth = c->in[0] * c->taps[0] * c->taps[1];
    dmx_gemm64_packed a;
    dmx_status status =
        dmx_gemm64_pack(&a, dmx_gemm64_kernel_at(0), weight, (size_t)rows,
                        (size_t)depth, (size_t)depth, 1, s->err);
    const dmx_gemm64_product product = {
        .a = &a,
        .columns = (size_t)(c->grid[0] * c->grid[1]),
        .context = c,
        .gather = gather,
        .store = store,
        .threads = s->threads,
    };
    if (status == DMX_OK)
        status = dmx_gemm64_run(&product, s->err);
    dmx_gemm64_packed_free(&a);
    return status;
}

static void set_shapes(conv *c, const dmx_reference_step *s)
{
    c->node_step = s;
    for (int k = 0; k < 3; k++) {
        c->in[k] = s->in[0].shape.dim[k];
        c->out[k] = s->out[0].shape.dim[k];
    }
}

/* Reverses the taps of each [kf][kt] kernel. */
static void flip(double *weight, int64_t kernels, int64_t taps)
{
    for (int64_t n = 0; n < kernels; n++)
        for (int64_t i = 0; i < taps / 2; i++) {
            double *w = weight + n * taps, swap = w[i];
            w[i] = w[taps - 1 - i];
            w[taps - 1 - i] = swap;
        }
}

static dmx_status run_conv(const dmx_reference_step *s, double *weight,
                           const double *bias)
{
    const dmx_attributes *at = &s->node->at;
    conv c = {.bias = bias};
    set_shapes(&c, s);
    for (int k = 0; k < 2; k++) {
        c.grid[k] = c.out[k + 1];
        c.taps[k] = at->conv.kernel[k];
        c.phases[k] = 1;
        c.step[k] = at->conv.stride[k];
        c.tap[k] = at->conv.dilation[k];
        c.offset[k] = at->conv.padding[k][0];
    }
    if (DMX_MUTANT(CONV_FLIPPED))
        flip(weight, c.out[0] * c.in[0], c.taps[0] * c.taps[1]);
    return multiply(&c, weight);
}

/* W [Ci][Co][kf][kt] as [Co][pf][pt][Ci][jf][jt], zero where the kernel has
 * ended. */
static void split_phases(double *to, const double *weight, const conv *c,
                         const int64_t kernel[2])
{
    for (int64_t o = 0; o < c->out[0]; o++)
        for (int64_t pf = 0; pf < c->phases[0]; pf++)
            for (int64_t pt = 0; pt < c->phases[1]; pt++)
                for (int64_t i = 0; i < c->in[0]; i++)
                    for (int64_t jf = 0; jf < c->taps[0]; jf++)
                        for (int64_t jt = 0; jt < c->taps[1]; jt++) {
                            const int64_t f = pf + c->phases[0] * jf;
                            const int64_t t = pt + c->phases[1] * jt;
                            const int64_t at =
                                ((i * c->out[0] + o) * kernel[0] + f) *
                                    kernel[1] +
                                t;
                            *to++ = f < kernel[0] && t < kernel[1] ? weight[at]
                                                                   : 0.0;
                        }
}

static dmx_status run_transpose(const dmx_reference_step *s, double *weight,
                                const double *bias)
{
    const dmx_attributes *at = &s->node->at;
    conv c = {.bias = bias};
    set_shapes(&c, s);
    int64_t count = c.in[0] * c.out[0];
    for (int k = 0; k < 2; k++) {
        c.phases[k] = at->conv.stride[k];
        c.taps[k] =
            (at->conv.kernel[k] + at->conv.stride[k] - 1) / at->conv.stride[k];
        c.grid[k] =
            (c.out[k + 1] + at->conv.stride[k] - 1) / at->conv.stride[k];
        c.step[k] = 1;
        c.tap[k] = -1;
        count *= c.phases[k] * c.taps[k];
    }
    if (DMX_MUTANT(CONV_TRANSPOSE_FLIPPED))
        flip(weight, c.in[0] * c.out[0],
             at->conv.kernel[0] * at->conv.kernel[1]);
    double *split = calloc((size_t)count, sizeof *split);
    DMX_RETURN_IF(split == NULL, s->err, DMX_ERROR_MEMORY,
                  "no memory for a transposed convolution");
    split_phases(split, weight, &c, at->conv.kernel);
    const dmx_status status = multiply(&c, split);
    free(split);
    return status;
}

static dmx_status
with_weights(const dmx_reference_step *s,
             dmx_status (*convolve)(const dmx_reference_step *, double *,
                                    const double *))
{
    double *w = dmx_reference_widen(dmx_weight_of(s->node), 0, s->err);
    double *b = dmx_reference_widen(dmx_bias_of(s->node),
                                    (size_t)s->out[0].shape.dim[0], s->err);
    dmx_status status = DMX_ERROR_MEMORY;
    if (w != NULL && b != NULL)
        status = convolve(s, w, b);
    free(w);
    free(b);
    return status;
}

dmx_status dmx_reference_conv(const dmx_reference_step *s)
{
    return with_weights(s, run_conv);
}

dmx_status dmx_reference_conv_transpose(const dmx_reference_step *s)
{
    return with_weights(s, run_transpose);
}
