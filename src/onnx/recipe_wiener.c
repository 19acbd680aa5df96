/* The multichannel Wiener filter refined by expectation-maximization
 * (openunmix.filtering; the formulas stand in reference/reference_wiener.c).
 *
 * Blocks of 300 frames form a batch, the last one padded with zero frames,
 * which have neither power nor estimates. Complex numbers are pairs of values:
 * [N, S, F, t] for each channel, N blocks, S sources. In float64: the matrices
 * of two nearly equal channels are singular up to rounding. */
#include "onnx/emit_shape.h"
#include "onnx/walk.h"

enum { BLOCK = 300 };

typedef struct pair {
    dmx_name re, im;
} pair;

/* One or two channels; covariances of two. */
typedef struct wiener {
    dmx_emitter *e;
    dmx_extent blocks;              /* N */
    dmx_extent count, time;         /* of one input: blocks, frames */
    int64_t channels, bins, frames; /* frames of a block */
    pair x[2], y[2];                /* mixture, estimates; divided by `scale` */
    dmx_name scale;                 /* [N, 1, 1, 1] */
    dmx_name power;                 /* v [N, S, F, t] */
    dmx_name r00, r11;              /* R [N, S, F, 1] */
    pair r01;
} wiener;

static dmx_name add(const wiener *k, dmx_name a, dmx_name b)
{
    return dmx_emit_2(k->e, "Add", a, b);
}

static dmx_name sub(const wiener *k, dmx_name a, dmx_name b)
{
    return dmx_emit_2(k->e, "Sub", a, b);
}

static dmx_name mul(const wiener *k, dmx_name a, dmx_name b)
{
    return dmx_emit_2(k->e, "Mul", a, b);
}

static dmx_name quotient(const wiener *k, dmx_name a, dmx_name b)
{
    return dmx_emit_2(k->e, "Div", a, b);
}

static dmx_name number(const wiener *k, double value)
{
    double *copy = dmx_emitter_alloc(k->e, 1, sizeof *copy);
    if (copy == NULL)
        return "";
    *copy = value;
    return dmx_constant_double(k->e, "number", copy, NULL, 0);
}

static dmx_name sum(const wiener *k, dmx_name x, int64_t axis)
{
    return dmx_emit_reduce(k->e, "ReduceSum", x, axis);
}

/* a conj(b) */
static pair outer(const wiener *k, pair a, pair b)
{
    const dmx_name ii = mul(k, a.im, b.im), rr = mul(k, a.re, b.re);
    const dmx_name re = add(k, rr, ii);
    const dmx_name ri = mul(k, a.re, b.im), ir = mul(k, a.im, b.re);
    return (pair){re, sub(k, ir, ri)};
}

/* a b, or conj(a) b */
static pair product(const wiener *k, pair a, pair b, bool conjugate)
{
    const dmx_name rr = mul(k, a.re, b.re), ii = mul(k, a.im, b.im);
    const dmx_name ri = mul(k, a.re, b.im), ir = mul(k, a.im, b.re);
    return conjugate ? (pair){add(k, rr, ii), sub(k, ri, ir)}
                     : (pair){sub(k, rr, ii), add(k, ri, ir)};
}

static pair scaled(const wiener *k, dmx_name a, pair b)
{
    return (pair){mul(k, a, b.re), mul(k, a, b.im)};
}

static pair plus(const wiener *k, pair a, pair b)
{
    return (pair){add(k, a.re, b.re), add(k, a.im, b.im)};
}

static pair minus(const wiener *k, pair a, pair b)
{
    return (pair){sub(k, a.re, b.re), sub(k, a.im, b.im)};
}

static pair over(const wiener *k, pair a, dmx_name b)
{
    return (pair){quotient(k, a.re, b), quotient(k, a.im, b)};
}

static dmx_name power_of(const wiener *k, pair a)
{
    const dmx_name im = mul(k, a.im, a.im);
    return add(k, mul(k, a.re, a.re), im);
}

/* ---- in and out ---------------------------------------------------------- */
/* [B, channels, F, T] as [N, channels, F, t] in float64. */
static dmx_name to_blocks(const wiener *k, dmx_name x, int64_t channels)
{
    dmx_emitter *e = k->e;
    x = dmx_emit_1(e, "Cast", x);
    dmx_attribute_int(e, "to", ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE);
    if (k->count == 1)
        return x;
    x = dmx_emit_pad_to(e, x, 4, 3, k->time,
                        dmx_extent_times(e, k->count, k->frames));
    x = dmx_emit_reshape(
        e, x, DMX_DIMS(e->batch, channels, k->bins, k->count, k->frames));
    x = dmx_emit_transpose(e, x, DMX_DIMS(0, 3, 1, 2, 4));
    return dmx_emit_reshape(e, x,
                            DMX_DIMS(k->blocks, channels, k->bins, k->frames));
}

static dmx_name from_blocks(const wiener *k, dmx_name x, int64_t channels)
{
    dmx_emitter *e = k->e;
    if (k->count != 1) {
        const dmx_extent all = dmx_extent_times(e, k->count, k->frames);
        x = dmx_emit_reshape(
            e, x, DMX_DIMS(e->batch, k->count, channels, k->bins, k->frames));
        x = dmx_emit_transpose(e, x, DMX_DIMS(0, 2, 3, 1, 4));
        x = dmx_emit_reshape(e, x, DMX_DIMS(e->batch, channels, k->bins, all));
        x = dmx_emit_slice(e, x, 3, 0, k->time);
    }
    return dmx_emit_cast_f32(e, x);
}

/* Channel c of several sources: [N, S * C, F, t] -> [N, S, F, t]. */
static dmx_name channel(const wiener *k, dmx_name x, int64_t sources, int64_t c)
{
    dmx_emitter *e = k->e;
    if (k->channels == 1)
        return x;
    const dmx_extent cells = k->bins * k->frames;
    x = dmx_emit_reshape(e, x,
                         DMX_DIMS(k->blocks, sources, k->channels, cells));
    x = dmx_emit_slice(e, x, 2, c, c + 1);
    return dmx_emit_reshape(e, x,
                            DMX_DIMS(k->blocks, sources, k->bins, k->frames));
}

/* The mixture; 1 where it is exactly zero, as in the original, which takes its
 * angle. */
static pair mixture(const wiener *k, dmx_name z, int64_t c)
{
    dmx_emitter *e = k->e;
    const pair x = {dmx_emit_slice(e, z, 1, 2 * c, 2 * c + 1),
                    dmx_emit_slice(e, z, 1, 2 * c + 1, 2 * c + 2)};
    const dmx_name im = dmx_emit_1(e, "Abs", x.im);
    const dmx_name larger =
        dmx_emit_2(e, "Max", dmx_emit_1(e, "Abs", x.re), im);
    const dmx_name none =
        dmx_emit_1(e, "Cast", dmx_emit_2(e, "Equal", larger, number(k, 0.0)));
    dmx_attribute_int(e, "to", ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE);
    return (pair){add(k, x.re, none), x.im};
}

/* max(1, the largest magnitude of the block's mixture / 10) */
static dmx_name block_scale(const wiener *k)
{
    dmx_emitter *e = k->e;
    dmx_name most = power_of(k, k->x[0]);
    if (k->channels == 2)
        most = dmx_emit_2(e, "Max", most, power_of(k, k->x[1]));
    most = dmx_emit_reduce(e, "ReduceMax", most, 3);
    most = dmx_emit_1(e, "Sqrt", dmx_emit_reduce(e, "ReduceMax", most, 2));
    most = mul(k, most, number(k, 0.1));
    return dmx_emit_2(e, "Max", most, number(k, 1.0));
}

/* 1 for frames of the input, 0 for those that fill the last block: [N,1,1,t].
 */
static dmx_name presence(const wiener *k)
{
    dmx_emitter *e = k->e;
    const int64_t one = 1;
    dmx_name y =
        dmx_emit_expand(e, dmx_constant_i64(e, &one, 1), DMX_DIMS(k->time));
    y = dmx_emit_1(e, "Cast", y);
    dmx_attribute_int(e, "to", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
    y = dmx_emit_reshape(e, y, DMX_DIMS(1, 1, 1, k->time));
    y = dmx_emit_pad_to(e, y, 4, 3, k->time,
                        dmx_extent_times(e, k->count, k->frames));
    y = dmx_emit_reshape(e, y, DMX_DIMS(1, k->count, 1, k->frames));
    y = dmx_emit_expand(e, y, DMX_DIMS(e->batch, k->count, 1, k->frames));
    y = dmx_emit_reshape(e, y, DMX_DIMS(k->blocks, 1, 1, k->frames));
    y = dmx_emit_1(e, "Cast", y);
    dmx_attribute_int(e, "to", ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE);
    return y;
}

/* Appends one more source: the mixture minus all others. */
static pair with_residual(const wiener *k, pair y, pair x)
{
    pair rest = minus(k, x, (pair){sum(k, y.re, 1), sum(k, y.im, 1)});
    if (k->count != 1)
        rest = scaled(k, presence(k), rest);
    const dmx_name re[] = {y.re, rest.re}, im[] = {y.im, rest.im};
    return (pair){dmx_emit_concat(k->e, re, 2, 1),
                  dmx_emit_concat(k->e, im, 2, 1)};
}

/* ---- expectation and maximization --------------------------------------- */
/* v and R of every source. */
static void model(wiener *k)
{
    const bool two = k->channels == 2;
    dmx_name p = power_of(k, k->y[0]), q = two ? power_of(k, k->y[1]) : NULL;
    k->power = p;
    if (two) {
        const dmx_name half = number(k, 0.5);
        k->power = mul(k, add(k, p, q), half);
    }
    const dmx_name least = number(k, 1e-10);
    const dmx_name weight = add(k, sum(k, k->power, 3), least);
    k->r00 = quotient(k, sum(k, p, 3), weight);
    if (!two)
        return;
    const pair cross = outer(k, k->y[0], k->y[1]);
    k->r11 = quotient(k, sum(k, q, 3), weight);
    k->r01 = over(k, (pair){sum(k, cross.re, 3), sum(k, cross.im, 3)}, weight);
}

static dmx_name total(const wiener *k, dmx_name r)
{
    return sum(k, mul(k, k->power, r), 1);
}

/* Of one channel: y = v R x / (1e-5 + sum of v R). */
static void filter_mono(wiener *k)
{
    const dmx_name least = number(k, 1e-5);
    const dmx_name all = add(k, total(k, k->r00), least);
    const dmx_name gain = quotient(k, mul(k, k->power, k->r00), all);
    k->y[0] = scaled(k, gain, k->x[0]);
}

/* y = v R (1e-5 I + sum of v R)^-1 x */
static void filter_stereo(wiener *k)
{
    const dmx_name least = number(k, 1e-5);
    const dmx_name a = add(k, total(k, k->r00), least);
    const dmx_name d = add(k, total(k, k->r11), least);
    const pair b = {total(k, k->r01.re), total(k, k->r01.im)};
    const dmx_name bb = power_of(k, b);
    const dmx_name det = sub(k, mul(k, a, d), bb);
    const pair bx1 = product(k, b, k->x[1], false);
    const pair w0 = over(k, minus(k, scaled(k, d, k->x[0]), bx1), det);
    const pair bx0 = product(k, b, k->x[0], true);
    const pair w1 = over(k, minus(k, scaled(k, a, k->x[1]), bx0), det);
    const pair r01w1 = product(k, k->r01, w1, false);
    k->y[0] = scaled(k, k->power, plus(k, scaled(k, k->r00, w0), r01w1));
    const pair r11w1 = scaled(k, k->r11, w1);
    const pair r10w0 = product(k, k->r01, w0, true);
    k->y[1] = scaled(k, k->power, plus(k, r10w0, r11w1));
}

/* The mixture's phase with the network's magnitudes. */
static void load(wiener *k, dmx_name m, dmx_name z, int64_t sources,
                 bool residual)
{
    for (int64_t c = 0; c < k->channels; c++)
        k->x[c] = mixture(k, z, c);
    k->scale = block_scale(k);
    for (int64_t c = 0; c < k->channels; c++) {
        const dmx_name length = dmx_emit_1(k->e, "Sqrt", power_of(k, k->x[c]));
        const dmx_name gain = quotient(k, channel(k, m, sources, c), length);
        k->y[c] = scaled(k, gain, k->x[c]);
        if (residual)
            k->y[c] = with_residual(k, k->y[c], k->x[c]);
        k->y[c] = over(k, k->y[c], k->scale);
        k->x[c] = over(k, k->x[c], k->scale);
    }
}

/* [N, S, F, t] of every channel, real and imaginary parts in turn. */
static dmx_name store(const wiener *k, int64_t sources)
{
    dmx_emitter *e = k->e;
    const dmx_extent cells = k->bins * k->frames;
    dmx_name part[4];
    size_t n = 0;
    for (int64_t c = 0; c < k->channels; c++) {
        const pair y = scaled(k, k->scale, k->y[c]);
        part[n++] = y.re;
        part[n++] = y.im;
    }
    for (size_t i = 0; i < n; i++) {
        part[i] = dmx_emit_slice(e, part[i], 1, 0, sources);
        part[i] = dmx_emit_reshape(e, part[i],
                                   DMX_DIMS(k->blocks, sources, 1, cells));
    }
    return dmx_emit_reshape(
        e, dmx_emit_concat(e, part, n, 2),
        DMX_DIMS(k->blocks, sources * (int64_t)n, k->bins, k->frames));
}

void dmx_recipe_wiener(dmx_walk *w, const dmx_node *n)
{
    dmx_emitter *e = &w->e;
    const dmx_extent *m = dmx_walk_dim(w, n->in[0]);
    const dmx_extent *z = dmx_walk_dim(w, n->in[1]);
    wiener k = {.e = e, .time = m[2], .bins = m[1], .channels = z[0] / 2};
    const int64_t sources = m[0] / k.channels;
    const bool one = !dmx_extent_is_free(m[2]) && m[2] <= BLOCK;
    k.frames = one ? m[2] : BLOCK;
    k.count = one ? 1 : dmx_extent_ceil(e, m[2], BLOCK);
    k.blocks = dmx_extent_product(e, e->batch, k.count);
    const dmx_name mix = to_blocks(&k, dmx_walk_in(w, n, 1), z[0]);
    load(&k, to_blocks(&k, dmx_walk_in(w, n, 0), m[0]), mix, sources,
         n->at.residual);
    for (int64_t i = 0; i < n->at.iterations; i++) {
        model(&k);
        if (k.channels == 1)
            filter_mono(&k);
        else
            filter_stereo(&k);
    }
    dmx_walk_set(w, n, from_blocks(&k, store(&k, sources), 2 * m[0]));
}
