/* Token lists: conversion, linear layers and position tables. */
#include "onnx/emit_weights.h"
#include "onnx/walk.h"

#include <string.h>

/* A signal of several rows already is its tokens in NCHW; one of a single row
 * is split into rows. */
void dmx_recipe_tokens(dmx_walk *w, const dmx_node *n)
{
    const dmx_extent *d = dmx_walk_dim(w, n->in[0]);
    dmx_extent dim[4];
    dmx_name x = dmx_walk_in(w, n, 0);
    (void)dmx_walk_token_shape(w, dmx_extent_times(&w->e, d[2], d[1]), d[1],
                               d[0], dim);
    if (dim[1] == d[1]) {
        dmx_walk_set_nchw(w, n, x);
        return;
    }
    x = dmx_emit_transpose(&w->e, x, DMX_DIMS(0, 2, 3, 1));
    dmx_walk_set(w, n, dmx_emit_reshape(&w->e, x, dim, 4));
}

void dmx_recipe_untokens(dmx_walk *w, const dmx_node *n)
{
    const dmx_extent *d = dmx_walk_dim(w, n->out[0]);
    const int64_t rows = dmx_walk_rows(w, n->in[0]);
    dmx_extent dim[4];
    (void)dmx_walk_token_shape(w, dmx_extent_times(&w->e, d[2], d[1]), d[1],
                               d[0], dim);
    if (rows == d[1] && dim[1] == d[1]) {
        dmx_walk_set(w, n, dmx_walk_nchw(w, n->in[0]));
        return;
    }
    dmx_name x = dmx_walk_tokens(w, n->in[0], d[1]);
    if (dim[1] != d[1])
        x = dmx_emit_reshape(&w->e, x, DMX_DIMS(w->e.batch, d[1], d[2], d[0]));
    dmx_walk_set(w, n, dmx_emit_transpose(&w->e, x, DMX_DIMS(0, 3, 1, 2)));
}

dmx_name dmx_emit_linear(dmx_emitter *e, dmx_name x, const dmx_tensor *weight,
                         const dmx_tensor *bias, const dmx_tensor *scale,
                         double factor)
{
    x = dmx_emit_2(e, "MatMul", x, dmx_weight_linear(e, weight, scale, factor));
    return bias == NULL ? x
                        : dmx_emit_2(e, "Add", x,
                                     dmx_weight_bias(e, bias, scale, factor));
}

/* The same on tokens channels first. */
static dmx_name linear_nchw(dmx_emitter *e, dmx_name x, const dmx_node *n,
                            const dmx_tensor *scale, double factor)
{
    const dmx_conv_geometry c = dmx_conv_point();
    const dmx_name weight =
        dmx_weight_point(e, dmx_weight_of(n), scale, factor);
    const dmx_name bias =
        dmx_bias_of(n) != NULL
            ? dmx_weight_bias(e, dmx_bias_of(n), scale, factor)
            : NULL;
    return dmx_emit_conv(e, "Conv", x, weight, bias, &c);
}

/* Convolutions with whole blocks of channels are the fastest matrix products of
 * runtimes. */
static bool fills_blocks(const dmx_tensor *weight)
{
    return weight->dim[0] % 16 == 0 && weight->dim[1] % 16 == 0;
}

/* The ATTENTION that takes n's result as its query and as nothing else. */
static const dmx_node *query_of(const dmx_walk *w, const dmx_node *n)
{
    return dmx_next_op(&w->a, n, DMX_OP_ATTENTION);
}

void dmx_recipe_linear(dmx_walk *w, const dmx_node *n)
{
    const dmx_node *scale = dmx_next_op(&w->a, n, DMX_OP_SCALE);
    const dmx_node *query = query_of(w, n);
    const dmx_node *last = scale != NULL ? scale : n;
    const dmx_tensor *s = scale != NULL ? dmx_weight_of(scale) : NULL;
    const double factor = query != NULL ? query->at.scale : 1.0;
    if (dmx_is_int8(w, n)) {
        dmx_walk_set(w, last, dmx_emit_int8(w, n, s, factor));
    } else if (fills_blocks(dmx_weight_of(n))) {
        const dmx_name x = dmx_walk_nchw(w, n->in[0]);
        dmx_walk_set_nchw(w, last, linear_nchw(&w->e, x, n, s, factor));
    } else {
        const dmx_name x = dmx_walk_in(w, n, 0);
        dmx_walk_set(w, last,
                     dmx_emit_linear(&w->e, x, dmx_weight_of(n), dmx_bias_of(n),
                                     s, factor));
    }
    dmx_walk_skip(w, n);
}

void dmx_recipe_layer_norm(dmx_walk *w, const dmx_node *n)
{
    const int64_t width = dmx_walk_dim(w, n->in[0])[1];
    const dmx_name in[] = {
        dmx_walk_in(w, n, 0),
        dmx_weight_vector(&w->e, dmx_weight_of(n), 1.0, &width, 1),
        dmx_weight_vector(&w->e, dmx_bias_of(n), 1.0, &width, 1)};
    const dmx_name y = dmx_emit(&w->e, "LayerNormalization", in, 3);
    dmx_attribute_int(&w->e, "axis", -1);
    dmx_attribute_float(&w->e, "epsilon", (float)n->at.epsilon);
    dmx_walk_set(w, n, y);
}

/* ---- positions --------------------------------------------------------- */
static void scale_table(float *table, size_t count, double alpha)
{
    for (size_t i = 0; alpha != 1.0 && i < count; i++)
        table[i] = (float)((double)table[i] * alpha);
}

static dmx_name times_alpha(dmx_emitter *e, dmx_name x, double alpha)
{
    return alpha == 1.0 ? x : dmx_emit_mul_scalar(e, x, alpha);
}

/* Cosines and sines of float32 phases, beside each other. In float64, as sines
 * of long phases in float32 are two units in the last place off; and cosines as
 * sines a quarter further, as ONNX Runtime has no others in float64. */
static dmx_name waves(dmx_emitter *e, dmx_name phase, bool cosine_first,
                      int64_t axis)
{
    static const double quarter = 1.57079632679489661923;
    const dmx_name x = dmx_emit_1(e, "Cast", phase);
    dmx_attribute_int(e, "to", ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE);
    const dmx_name further = dmx_emit_2(
        e, "Add", x, dmx_constant_double(e, "quarter", &quarter, NULL, 0));
    const dmx_name part[] = {cosine_first ? further : x,
                             cosine_first ? x : further};
    return dmx_emit_cast_f32(
        e, dmx_emit_1(e, "Sin", dmx_emit_concat(e, part, 2, axis)));
}

/* Sines and cosines of a free number of positions, of phases in float32 as
 * PyTorch has them. */
static dmx_name free_position_1d(dmx_walk *w, const dmx_node *n, double alpha,
                                 dmx_extent length)
{
    dmx_emitter *e = &w->e;
    const int64_t width = n->at.width, half = width / 2;
    float *divisor = dmx_emitter_buffer(e, (size_t)half, sizeof *divisor);
    if (divisor == NULL)
        return "";
    dmx_position_divisors_1d(divisor, &n->at);
    dmx_name x = dmx_extent_ramp(e, length);
    if (n->at.position == DMX_POSITION_CAPE && n->at.mean_normalize) {
        const dmx_name last =
            dmx_extent_float(e, dmx_extent_plus(e, length, -1));
        x = dmx_emit_2(e, "Sub", x, dmx_emit_mul_scalar(e, last, 0.5));
    }
    x = dmx_emit_2(e, "Div", x,
                   dmx_constant_f32(e, "position_1d", divisor, &half, 1));
    x = times_alpha(e, waves(e, x, true, 1), alpha);
    return dmx_emit_reshape(e, x, DMX_DIMS(1, 1, length, width));
}

/* The first of the rows that were learned. */
static dmx_name learned_rows(dmx_walk *w, const dmx_node *n, double alpha,
                             dmx_extent length)
{
    dmx_emitter *e = &w->e;
    const dmx_tensor *weight = dmx_weight_of(n);
    const int64_t rows = weight->dim[0], width = weight->dim[1];
    float *table = dmx_weight_floats(e, weight);
    if (table == NULL)
        return "";
    scale_table(table, (size_t)(rows * width), alpha * n->at.alpha);
    const dmx_name all =
        dmx_constant_f32(e, "position_1d", table, DMX_DIMS(1, 1, rows, width));
    return dmx_emit_slice(e, all, 2, 0, length);
}

static dmx_name position_1d(dmx_walk *w, const dmx_node *n, double alpha)
{
    dmx_emitter *e = &w->e;
    const dmx_extent frames = dmx_walk_dim(w, n->out[0])[0];
    const bool learned = n->at.position == DMX_POSITION_LEARNED;
    if (dmx_extent_is_free(frames))
        return learned ? learned_rows(w, n, alpha, frames)
                       : free_position_1d(w, n, alpha, frames);
    const int64_t length = n->at.frames, width = n->at.width;
    const size_t count = (size_t)(length * width);
    float *table;
    if (learned) {
        const dmx_tensor rows =
            dmx_tensor_slice(dmx_weight_of(n), 0, 0, length);
        table = dmx_weight_floats(e, &rows);
        alpha *= n->at.alpha;
    } else {
        table = dmx_emitter_buffer(e, count, sizeof *table);
        if (table != NULL)
            dmx_position_table_1d(table, &n->at);
    }
    if (table == NULL)
        return "";
    scale_table(table, count, alpha);
    dmx_extent dim[4];
    const size_t rank = dmx_walk_token_shape(w, length, 1, width, dim);
    dim[0] = 1;
    return dmx_constant_f32(e, "position_1d", table, dim, rank);
}

/* Interleaved sines and cosines of a free number of frames, in `shape`. */
static dmx_name free_frames(dmx_walk *w, const dmx_node *n, dmx_extent frames,
                            double alpha, const dmx_extent shape[3])
{
    dmx_emitter *e = &w->e;
    const int64_t pairs = n->at.width / 4;
    float *factor = dmx_emitter_buffer(e, (size_t)pairs, sizeof *factor);
    if (factor == NULL)
        return "";
    dmx_position_factors_2d(factor, &n->at);
    const dmx_name factors =
        dmx_constant_f32(e, "position_frames", factor, &pairs, 1);
    dmx_name x = dmx_emit_2(e, "Mul", dmx_extent_ramp(e, frames), factors);
    x = dmx_emit_reshape(e, x, DMX_DIMS(frames, pairs, 1));
    x = times_alpha(e, waves(e, x, false, 2), alpha);
    return dmx_emit_reshape(e, x, shape, 3);
}

/* The parts of the table by frame and by row, each stored once. */
static void position_parts(dmx_walk *w, const dmx_node *n, double alpha,
                           bool by_rows, dmx_extent t, dmx_name part[2])
{
    dmx_emitter *e = &w->e;
    const int64_t f = n->at.freqs, half = n->at.width / 2;
    const bool free = dmx_extent_is_free(t);
    dmx_attributes at = n->at;
    at.frames = free ? 1 : t;
    const size_t count = (size_t)(at.frames * half);
    float *frames = dmx_emitter_buffer(e, count, sizeof *frames);
    float *rows = dmx_emitter_buffer(e, (size_t)(f * half), sizeof *rows);
    if (frames == NULL || rows == NULL)
        return;
    dmx_position_table_2d(frames, rows, &at);
    scale_table(frames, count, alpha);
    scale_table(rows, (size_t)(f * half), alpha);
    const dmx_extent frame_dim[] = {by_rows ? 1 : t, by_rows ? t : 1, half};
    const int64_t row_dim[] = {by_rows ? f : 1, by_rows ? 1 : f, half};
    const dmx_extent full[] = {by_rows ? f : t, by_rows ? t : f, half};
    part[0] =
        free ? free_frames(w, n, t, alpha, frame_dim)
             : dmx_constant_f32(e, "position_frames", frames, frame_dim, 3);
    part[0] = dmx_emit_expand(e, part[0], full, 3);
    part[1] = dmx_emit_expand(
        e, dmx_constant_f32(e, "position_rows", rows, row_dim, 3), full, 3);
}

/* The table is separable: both parts are expanded when the file is loaded, or
 * once the length is known. */
static dmx_name position_2d(dmx_walk *w, const dmx_node *n, double alpha,
                            bool by_rows)
{
    dmx_emitter *e = &w->e;
    const dmx_extent all = dmx_walk_dim(w, n->out[0])[0];
    const int64_t f = n->at.freqs, half = n->at.width / 2;
    dmx_name part[2] = {"", ""};
    position_parts(w, n, alpha, by_rows, dmx_extent_divide(e, all, f), part);
    dmx_extent dim[4];
    const size_t rank =
        dmx_walk_token_shape(w, all, by_rows ? f : 1, 2 * half, dim);
    dim[0] = 1;
    return dmx_emit_reshape(e, dmx_emit_concat(e, part, 2, 2), dim, rank);
}

dmx_name dmx_emit_position(dmx_walk *w, const dmx_node *n, double alpha,
                           int64_t rows)
{
    if (n->op == DMX_OP_POSITION_2D && (rows == 1 || rows == n->at.freqs))
        return position_2d(w, n, alpha, rows == n->at.freqs);
    if (n->op == DMX_OP_POSITION_1D && rows == 1)
        return position_1d(w, n, alpha);
    return dmx_emitter_fail(&w->e, DMX_ERROR_UNSUPPORTED,
                            "%s: positions of another order than the tokens",
                            n->path);
}

/* Tables are emitted with the sum that uses them, which determines factor and
 * order. */
void dmx_recipe_position_1d(dmx_walk *w, const dmx_node *n)
{
    dmx_walk_skip(w, n);
}

void dmx_recipe_position_2d(dmx_walk *w, const dmx_node *n)
{
    dmx_walk_skip(w, n);
}
