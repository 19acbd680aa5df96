/* Token lists: their making, linear layers, attention and position tables. */
#include "onnx/emit_weights.h"
#include "onnx/walk.h"

#include <string.h>

/* [1, C, F, T] -> [1, F*T, C], in the signal's own order. */
dmx_name dmx_emit_tokens(dmx_emitter *e, dmx_name x, const int64_t dim[3])
{
    x = dmx_emit_reshape(e, x, DMX_DIMS(1, dim[0], dim[1] * dim[2]));
    return dmx_emit_transpose(e, x, DMX_DIMS(0, 2, 1));
}

void dmx_recipe_tokens(dmx_walk *w, const dmx_node *n)
{
    const int64_t *dim = dmx_walk_dim(w, n->in[0]);
    const dmx_name x = dmx_walk_in(w, n, 0);
    dmx_walk_set_tokens(w, n, dmx_emit_tokens(&w->e, x, dim), dim[1]);
}

/* untokens -> conv 1x1: the product first, on tokens. */
static const dmx_node *untokens_conv(dmx_walk *w, const dmx_node *n,
                                     dmx_name *x)
{
    const dmx_node *conv = dmx_walk_next(w, n, DMX_OP_CONV);
    if (conv == NULL || !dmx_is_point(conv) ||
        dmx_walk_next(w, conv, DMX_OP_GLU) != NULL)
        return NULL;
    dmx_tensor matrix = *conv->weight;
    matrix.rank = 2;
    w->e.path = conv->path;
    *x = dmx_emit_linear(&w->e, *x, &matrix, conv->bias, NULL, 1.0);
    return conv;
}

void dmx_recipe_untokens(dmx_walk *w, const dmx_node *n)
{
    dmx_name x = dmx_walk_tokens(w, n->in[0], n->at.freqs);
    const dmx_node *conv = untokens_conv(w, n, &x);
    const dmx_node *last = conv != NULL ? conv : n;
    const int64_t *dim = dmx_walk_dim(w, last->out[0]);
    x = dmx_emit_transpose(&w->e, x, DMX_DIMS(0, 2, 1));
    dmx_walk_skip(w, n);
    dmx_walk_set(
        w, last,
        dmx_emit_reshape(&w->e, x, DMX_DIMS(1, dim[0], dim[1], dim[2])));
}

dmx_name dmx_emit_linear(dmx_emitter *e, dmx_name x, const dmx_tensor *weight,
                         const dmx_tensor *bias, const dmx_tensor *scale,
                         double factor)
{
    x = dmx_emit_2(e, "MatMul", x, dmx_weight_linear(e, weight, scale, factor));
    if (bias == NULL)
        return x;
    double *b = dmx_weight_doubles(e, bias);
    double *s = scale != NULL ? dmx_weight_doubles(e, scale) : NULL;
    if (dmx_emitter_failed(e))
        return "";
    for (int64_t i = 0; i < bias->dim[0]; i++)
        b[i] *= s != NULL ? s[i] * factor : factor;
    const dmx_name y = dmx_constant_f64(e, bias->name, b, bias->dim, 1);
    dmx_emitter_drop_buffer(e, b);
    dmx_emitter_drop_buffer(e, s);
    return dmx_emit_2(e, "Add", x, y);
}

/* The ATTENTION that takes n's result as its query and as nothing else. */
static const dmx_node *query_of(const dmx_walk *w, const dmx_node *n)
{
    return dmx_walk_next(w, n, DMX_OP_ATTENTION);
}

void dmx_recipe_linear(dmx_walk *w, const dmx_node *n)
{
    const dmx_name x = dmx_walk_in(w, n, 0);
    const int64_t rows = dmx_walk_rows(w, n->in[0]);
    const dmx_node *scale = dmx_walk_next(w, n, DMX_OP_SCALE);
    const dmx_node *query = query_of(w, n);
    const dmx_name y = dmx_emit_linear(&w->e, x, n->weight, n->bias,
                                       scale != NULL ? scale->weight : NULL,
                                       query != NULL ? query->at.scale : 1.0);
    if (scale != NULL)
        dmx_walk_skip(w, n);
    dmx_walk_set_tokens(w, scale != NULL ? scale : n, y, rows);
}

void dmx_recipe_layer_norm(dmx_walk *w, const dmx_node *n)
{
    const int64_t width = dmx_walk_dim(w, n->in[0])[1];
    const dmx_name in[] = {dmx_walk_in(w, n, 0),
                           dmx_weight_vector(&w->e, n->weight, 1.0, &width, 1),
                           dmx_weight_vector(&w->e, n->bias, 1.0, &width, 1)};
    const dmx_name y = dmx_emit(&w->e, "LayerNormalization", in, 3);
    dmx_attribute_int(&w->e, "axis", -1);
    dmx_attribute_float(&w->e, "epsilon", (float)n->at.epsilon);
    dmx_walk_set_tokens(w, n, y, dmx_walk_rows(w, n->in[0]));
}

/* ---- positions --------------------------------------------------------- */
static void scale_table(float *table, size_t count, double alpha)
{
    for (size_t i = 0; alpha != 1.0 && i < count; i++)
        table[i] = (float)((double)table[i] * alpha);
}

static dmx_name position_1d(dmx_emitter *e, const dmx_node *n, double alpha)
{
    const int64_t length = n->at.frames, width = n->at.width;
    const size_t count = (size_t)(length * width);
    float *table;
    if (n->at.position == DMX_POSITION_LEARNED) {
        const dmx_tensor rows = dmx_tensor_slice(n->weight, 0, 0, length);
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
    return dmx_constant_f32(e, "position_1d", table,
                            DMX_DIMS(1, length, width));
}

/* The table is separable: a part by frame and a part by row, each stored once
 * and expanded when the file is loaded. */
static dmx_name position_2d(dmx_emitter *e, const dmx_node *n, double alpha,
                            bool by_rows)
{
    const int64_t f = n->at.freqs, t = n->at.frames, half = n->at.width / 2;
    float *frames = dmx_emitter_buffer(e, (size_t)(t * half), sizeof *frames);
    float *rows = dmx_emitter_buffer(e, (size_t)(f * half), sizeof *rows);
    if (frames == NULL || rows == NULL)
        return "";
    dmx_position_table_2d(frames, rows, &n->at);
    scale_table(frames, (size_t)(t * half), alpha);
    scale_table(rows, (size_t)(f * half), alpha);
    const int64_t frame_dim[] = {by_rows ? 1 : t, by_rows ? t : 1, half};
    const int64_t row_dim[] = {by_rows ? f : 1, by_rows ? 1 : f, half};
    const int64_t full[] = {by_rows ? f : t, by_rows ? t : f, half};
    const dmx_name part[] = {
        dmx_emit_expand(
            e, dmx_constant_f32(e, "position_frames", frames, frame_dim, 3),
            full, 3),
        dmx_emit_expand(e,
                        dmx_constant_f32(e, "position_rows", rows, row_dim, 3),
                        full, 3)};
    return dmx_emit_reshape(e, dmx_emit_concat(e, part, 2, 2),
                            DMX_DIMS(1, f * t, 2 * half));
}

dmx_name dmx_emit_position(dmx_emitter *e, const dmx_node *n, double alpha,
                           int64_t rows)
{
    if (n->op == DMX_OP_POSITION_2D && (rows == 1 || rows == n->at.freqs))
        return position_2d(e, n, alpha, rows == n->at.freqs);
    if (n->op == DMX_OP_POSITION_1D && rows == 1)
        return position_1d(e, n, alpha);
    return dmx_emitter_fail(e, DMX_ERROR_UNSUPPORTED,
                            "%s: positions of another order than the tokens",
                            n->path);
}

/* Tables wait for the sum that uses them: it knows the factor and order. */
void dmx_recipe_position(dmx_walk *w, const dmx_node *n)
{
    dmx_walk_skip(w, n);
}
