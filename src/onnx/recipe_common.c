/* Operations with an obvious ONNX form, and the table of all recipes. */
#include "onnx/emit_shape.h"
#include "onnx/emit_weights.h"
#include "onnx/walk.h"

static bool is_tokens(const dmx_walk *w, dmx_value v)
{
    return w->g->value[v].shape.rank == 2;
}

/* Shape of a per-channel constant beside value v. */
static size_t channel_dims(const dmx_walk *w, dmx_value v, dmx_extent out[4])
{
    const dmx_extent *dim = dmx_walk_dim(w, v);
    out[0] = is_tokens(w, v) ? dim[1] : 1;
    out[1] = dim[0];
    out[2] = out[3] = 1;
    return is_tokens(w, v) ? 1 : 4;
}

void dmx_recipe_input(dmx_walk *w, const dmx_node *n)
{
    const dmx_extent *dim = dmx_walk_dim(w, n->out[0]);
    const dmx_extent batch = w->e.batch;
    dmx_emitter_declare(&w->e, &w->e.input, "mix",
                        DMX_DIMS(batch, dim[0], dim[2]));
    dmx_walk_set(
        w, n,
        dmx_emit_reshape(&w->e, "mix", DMX_DIMS(batch, dim[0], 1, dim[2])));
}

/* The centre of a signal: half of the excess is cut in front. */
static dmx_name crop_centre(dmx_walk *w, const dmx_node *n, dmx_name x)
{
    const int64_t two = 2;
    const dmx_extent had = dmx_walk_dim(w, n->in[0])[2];
    const dmx_extent length = dmx_walk_dim(w, n->out[0])[2];
    const dmx_name rest = dmx_extent_missing(&w->e, had, length);
    const dmx_name start =
        dmx_integer_op(&w->e, "Div", rest, dmx_constant_i64(&w->e, &two, 1));
    return dmx_emit_slice_at(&w->e, x, 3, start, length);
}

void dmx_recipe_crop(dmx_walk *w, const dmx_node *n)
{
    const dmx_name x = dmx_walk_in(w, n, 0);
    const int axis = n->at.axis;
    const dmx_extent length = dmx_walk_dim(w, n->out[0])[axis];
    const int64_t start = n->at.start;
    if (length == dmx_walk_dim(w, n->in[0])[axis])
        dmx_walk_set(w, n, x);
    else if (start == DMX_ANY)
        dmx_walk_set(w, n, crop_centre(w, n, x));
    else
        dmx_walk_set(w, n,
                     dmx_emit_slice(&w->e, x, axis + 1, start,
                                    dmx_extent_plus(&w->e, length, start)));
}

void dmx_recipe_concat(dmx_walk *w, const dmx_node *n)
{
    dmx_name *in = dmx_emitter_alloc(&w->e, (size_t)n->n_in, sizeof *in);
    if (in == NULL)
        return;
    for (int i = 0; i < n->n_in; i++)
        in[i] = dmx_walk_in(w, n, i);
    dmx_walk_set(w, n,
                 dmx_emit_concat(&w->e, in, (size_t)n->n_in, n->at.axis + 1));
}

void dmx_recipe_reshape(dmx_walk *w, const dmx_node *n)
{
    const dmx_extent *d = dmx_walk_dim(w, n->out[0]);
    dmx_walk_set(w, n,
                 dmx_emit_reshape(&w->e, dmx_walk_in(w, n, 0),
                                  DMX_DIMS(w->e.batch, d[0], d[1], d[2])));
}

/* Elementwise: tokens keep their layout. */
static void activation(dmx_walk *w, const dmx_node *n)
{
    const bool nchw = dmx_walk_is_nchw(w, n->in[0]);
    dmx_name x = nchw ? dmx_walk_nchw(w, n->in[0]) : dmx_walk_in(w, n, 0);
    x = n->op == DMX_OP_GELU ? dmx_emit_gelu(&w->e, x)
                             : dmx_emit_1(&w->e, "Relu", x);
    if (nchw)
        dmx_walk_set_nchw(w, n, x);
    else
        dmx_walk_set(w, n, x);
}

void dmx_recipe_gelu(dmx_walk *w, const dmx_node *n)
{
    activation(w, n);
}

void dmx_recipe_relu(dmx_walk *w, const dmx_node *n)
{
    activation(w, n);
}

void dmx_recipe_glu(dmx_walk *w, const dmx_node *n)
{
    const dmx_name x = dmx_walk_in(w, n, 0);
    const int64_t half = dmx_walk_dim(w, n->out[0])[0];
    const dmx_name value = dmx_emit_slice(&w->e, x, 1, 0, half);
    const dmx_name gate = dmx_emit_slice(&w->e, x, 1, half, 2 * half);
    dmx_walk_set(
        w, n,
        dmx_emit_2(&w->e, "Mul", value, dmx_emit_1(&w->e, "Sigmoid", gate)));
}

void dmx_recipe_scale(dmx_walk *w, const dmx_node *n)
{
    int64_t dim[4];
    const size_t rank = channel_dims(w, n->in[0], dim);
    const dmx_name weight =
        dmx_weight_vector(&w->e, dmx_weight_of(n), 1.0, dim, rank);
    dmx_walk_set(w, n, dmx_emit_2(&w->e, "Mul", dmx_walk_in(w, n, 0), weight));
}

void dmx_recipe_bias(dmx_walk *w, const dmx_node *n)
{
    int64_t dim[4];
    const size_t rank = channel_dims(w, n->in[0], dim);
    const dmx_name bias =
        dmx_weight_vector(&w->e, dmx_operand(n, 0), n->at.alpha, dim, rank);
    dmx_walk_set(w, n, dmx_emit_2(&w->e, "Add", dmx_walk_in(w, n, 0), bias));
}

static const dmx_node *producer(const dmx_walk *w, dmx_value v)
{
    return &w->g->node[w->g->value[v].producer];
}

/* [F][C] -> [1, C, F, 1], times its own factor and the sum's. */
static dmx_name freq_table(dmx_walk *w, const dmx_node *n, double alpha)
{
    const int64_t rows = dmx_weight_of(n)->dim[0],
                  channels = dmx_weight_of(n)->dim[1];
    double *table = dmx_weight_doubles(&w->e, dmx_weight_of(n));
    double *out =
        dmx_emitter_buffer(&w->e, (size_t)(rows * channels), sizeof *out);
    if (out == NULL)
        return "";
    for (int64_t f = 0; f < rows; f++)
        for (int64_t c = 0; c < channels; c++)
            out[c * rows + f] = table[f * channels + c] * (n->at.alpha * alpha);
    const dmx_name y = dmx_constant_f64(&w->e, dmx_weight_of(n)->name, out,
                                        DMX_DIMS(1, channels, rows, 1));
    dmx_emitter_drop_buffer(&w->e, table);
    dmx_emitter_drop_buffer(&w->e, out);
    return y;
}

/* Tables are emitted with the sum that uses them, which determines factor and
 * order. */
void dmx_recipe_freq_embedding(dmx_walk *w, const dmx_node *n)
{
    const int32_t user = dmx_sole_consumer(&w->a, n->out[0]);
    const dmx_node *next = user >= 0 ? &w->g->node[user] : NULL;
    if (next != NULL && next->op == DMX_OP_ADD && next->in[1] == n->out[0])
        dmx_walk_skip(w, n);
    else
        dmx_walk_set(w, n, freq_table(w, n, 1.0));
}

/* The second term of a sum, its factor applied. */
static dmx_name second_term(dmx_walk *w, const dmx_node *n)
{
    const dmx_node *b = producer(w, n->in[1]);
    const int64_t rows = dmx_walk_rows(w, n->in[0]);
    const dmx_emitted *x = &w->value[n->in[1]];
    const bool waiting = x->name == NULL && x->nchw == NULL;
    if (waiting && b->op == DMX_OP_FREQ_EMBEDDING)
        return freq_table(w, b, n->at.alpha);
    if (waiting)
        return dmx_emit_position(w, b, n->at.alpha, rows);
    const dmx_name y = is_tokens(w, n->in[1])
                           ? dmx_walk_tokens(w, n->in[1], rows)
                           : dmx_walk_in(w, n, 1);
    return n->at.alpha == 1.0 ? y : dmx_emit_mul_scalar(&w->e, y, n->at.alpha);
}

void dmx_recipe_add(dmx_walk *w, const dmx_node *n)
{
    const dmx_name a = dmx_walk_in(w, n, 0);
    dmx_walk_set(w, n, dmx_emit_2(&w->e, "Add", a, second_term(w, n)));
}

const dmx_recipe_table dmx_recipes = {
    .recipe =
        {
#define DMX_OPERATION(NAME, name, ...) [DMX_OP_##NAME] = dmx_recipe_##name,
#include "graph/operations.def"
#undef DMX_OPERATION
        },
};
