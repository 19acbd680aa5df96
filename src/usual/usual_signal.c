#include "onnx/emit_weights.h"
#include "usual/offer.h"
#include "usual/usual.h"

static bool is_tokens(const dmx_walk *w, dmx_value v)
{
    return w->g->value[v].shape.rank == 2;
}

dmx_name dmx_usual_plain(dmx_walk *w, dmx_value v)
{
    dmx_emitted *x = &w->value[v];
    const dmx_extent *d = dmx_walk_dim(w, v);
    if (x->name == NULL && x->folded != NULL) {
        dmx_name y =
            dmx_emit_reshape(&w->e, x->folded, DMX_DIMS(1, d[1], d[0], d[2]));
        x->name = dmx_emit_transpose(&w->e, y, DMX_DIMS(0, 2, 1, 3));
    }
    return x->name != NULL ? x->name : "";
}

dmx_name dmx_usual_folded(dmx_walk *w, dmx_value v)
{
    dmx_emitted *x = &w->value[v];
    const dmx_extent *d = dmx_walk_dim(w, v);
    if (x->folded == NULL) {
        dmx_name y = x->name != NULL ? x->name : "";
        if (d[1] > 1)
            y = dmx_emit_transpose(&w->e, y, DMX_DIMS(0, 2, 1, 3));
        x->folded = dmx_emit_reshape(&w->e, y, DMX_DIMS(d[1], d[0], d[2]));
    }
    return x->folded;
}

void dmx_usual_set_folded(dmx_walk *w, const dmx_node *n, dmx_name name)
{
    w->value[n->out[0]].folded = name;
    dmx_walk_skip(w, n);
}

dmx_name dmx_usual_constant(dmx_emitter *e, const int64_t *value, size_t n)
{
    const dmx_name y = dmx_emit(e, "Constant", NULL, 0);
    dmx_attribute_ints(e, "value_ints", value, n);
    return y;
}

void dmx_usual_split_in(dmx_emitter *e, dmx_name x, int64_t axis,
                        dmx_name *part, size_t count)
{
    (void)dmx_emit_1(e, "Split", x);
    dmx_emitter_outputs(e, part, count);
    dmx_attribute_int(e, "axis", axis);
    if (e->opset >= 18)
        dmx_attribute_int(e, "num_outputs", (int64_t)count);
}

void dmx_usual_split(dmx_emitter *e, dmx_name x, int64_t axis, dmx_name half[2])
{
    dmx_usual_split_in(e, x, axis, half, 2);
}

dmx_name dmx_usual_instance_norm(dmx_emitter *e, dmx_name x, int64_t batch,
                                 int64_t groups, const int64_t *dim,
                                 size_t rank, double epsilon)
{
    int64_t count = 1;
    for (size_t k = 0; k < rank; k++)
        count *= dim[k];
    double *unit = dmx_emitter_alloc(e, (size_t)(2 * groups), sizeof *unit);
    if (unit == NULL)
        return "";
    for (int64_t i = 0; i < groups; i++)
        unit[i] = 1.0;
    x = dmx_emit_reshape(e, x, DMX_DIMS(batch, groups, count / batch / groups));
    const dmx_name in[] = {
        x, dmx_constant_f64(e, "ones", unit, &groups, 1),
        dmx_constant_f64(e, "zeros", unit + groups, &groups, 1)};
    x = dmx_emit(e, "InstanceNormalization", in, 3);
    dmx_attribute_float(e, "epsilon", (float)epsilon);
    return dmx_emit_reshape(e, x, dim, rank);
}

static dmx_name affine(dmx_emitter *e, dmx_name x, const dmx_node *n,
                       const int64_t *dim, size_t rank)
{
    x = dmx_emit_2(e, "Mul", x,
                   dmx_weight_vector(e, dmx_weight_of(n), 1.0, dim, rank));
    return dmx_emit_2(e, "Add", x,
                      dmx_weight_vector(e, dmx_bias_of(n), 1.0, dim, rank));
}

static void usual_group_norm(dmx_walk *w, const dmx_node *n)
{
    dmx_emitter *e = &w->e;
    if (is_tokens(w, n->in[0])) {
        dmx_usual_token_norm(w, n);
        return;
    }
    const dmx_extent *d = dmx_walk_dim(w, n->in[0]);
    const int64_t folded[] = {d[1], d[0], d[2]}, flat[] = {1, d[0], 1, 1};
    const int64_t plain[] = {1, d[0], d[1], d[2]};
    if (n->at.rows == DMX_ROWS_BATCH || d[1] == 1) {
        dmx_name x = dmx_usual_folded(w, n->in[0]);
        x = dmx_usual_instance_norm(e, x, d[1], n->at.groups, folded, 3,
                                    n->at.epsilon);
        dmx_usual_set_folded(w, n, affine(e, x, n, flat + 1, 2));
        return;
    }
    dmx_name x = dmx_usual_plain(w, n->in[0]);
    x = dmx_usual_instance_norm(e, x, 1, n->at.groups, plain, 4, n->at.epsilon);
    dmx_walk_set(w, n, affine(e, x, n, flat, 4));
}

/* A Conv1d, on rows folded into the batch or on unfolded rows. */
static void conv_1d(dmx_walk *w, const dmx_node *n)
{
    dmx_emitter *e = &w->e;
    const dmx_extent *d = dmx_walk_dim(w, n->in[0]);
    const dmx_extent *o = dmx_walk_dim(w, n->out[0]);
    const bool flat =
        w->value[n->in[0]].folded == NULL && d[1] > 1 && dmx_is_point_conv(n);
    const dmx_name x = flat ? dmx_emit_reshape(e, dmx_usual_plain(w, n->in[0]),
                                               DMX_DIMS(1, d[0], d[1] * d[2]))
                            : dmx_usual_folded(w, n->in[0]);
    const dmx_name in[] = {
        x, dmx_weight_as_is(e, dmx_weight_of(n), dmx_weight_of(n)->dim, 3),
        dmx_bias_of(n) != NULL ? dmx_weight_vector(e, dmx_bias_of(n), 1.0, o, 1)
                               : NULL};
    const dmx_name y = dmx_emit(e, "Conv", in, dmx_bias_of(n) != NULL ? 3 : 2);
    dmx_attribute_ints(e, "kernel_shape", n->at.conv.kernel + 1, 1);
    dmx_attribute_ints(e, "strides", n->at.conv.stride + 1, 1);
    dmx_attribute_ints(e, "dilations", n->at.conv.dilation + 1, 1);
    dmx_attribute_ints(e, "pads", n->at.conv.padding[1], 2);
    if (flat)
        dmx_walk_set(w, n,
                     dmx_emit_reshape(e, y, DMX_DIMS(1, o[0], o[1], o[2])));
    else
        dmx_usual_set_folded(w, n, y);
}

static void usual_conv(dmx_walk *w, const dmx_node *n)
{
    dmx_emitter *e = &w->e;
    if (dmx_weight_of(n)->rank == 3) {
        conv_1d(w, n);
        return;
    }
    const dmx_extent *o = dmx_walk_dim(w, n->out[0]);
    const dmx_conv_geometry c = n->at.conv;
    const dmx_name weight =
        dmx_weight_as_is(e, dmx_weight_of(n), dmx_weight_of(n)->dim, 4);
    const dmx_name bias = dmx_bias_of(n) != NULL
                              ? dmx_weight_vector(e, dmx_bias_of(n), 1.0, o, 1)
                              : NULL;
    dmx_walk_set(w, n,
                 dmx_emit_conv(e, "Conv", dmx_usual_plain(w, n->in[0]), weight,
                               bias, &c));
}

static void usual_conv_transpose(dmx_walk *w, const dmx_node *n)
{
    dmx_emitter *e = &w->e;
    const dmx_extent *o = dmx_walk_dim(w, n->out[0]);
    const dmx_name bias = dmx_bias_of(n) != NULL
                              ? dmx_weight_vector(e, dmx_bias_of(n), 1.0, o, 1)
                              : NULL;
    const dmx_name weight =
        dmx_weight_as_is(e, dmx_weight_of(n), dmx_weight_of(n)->dim,
                         (size_t)dmx_weight_of(n)->rank);
    if (dmx_weight_of(n)->rank == 4) {
        const dmx_conv_geometry c = n->at.conv;
        dmx_walk_set(w, n,
                     dmx_emit_conv(e, "ConvTranspose",
                                   dmx_usual_plain(w, n->in[0]), weight, bias,
                                   &c));
        return;
    }
    const dmx_name in[] = {dmx_usual_folded(w, n->in[0]), weight, bias};
    const dmx_name y =
        dmx_emit(e, "ConvTranspose", in, dmx_bias_of(n) != NULL ? 3 : 2);
    dmx_attribute_ints(e, "kernel_shape", n->at.conv.kernel + 1, 1);
    dmx_attribute_ints(e, "strides", n->at.conv.stride + 1, 1);
    dmx_usual_set_folded(w, n, y);
}

/* Operations of one input that work in either layout of a signal. */
static dmx_name any_input(dmx_walk *w, const dmx_node *n, int k)
{
    const dmx_value v = n->in[k];
    if (is_tokens(w, v))
        return dmx_walk_tokens(w, v, 1);
    return w->value[n->in[0]].folded != NULL ? dmx_usual_folded(w, v)
                                             : dmx_usual_plain(w, v);
}

static void set_any(dmx_walk *w, const dmx_node *n, dmx_name y)
{
    if (w->value[n->in[0]].folded != NULL)
        dmx_usual_set_folded(w, n, y);
    else
        dmx_walk_set(w, n, y);
}

static void usual_gelu(dmx_walk *w, const dmx_node *n)
{
    set_any(w, n, dmx_emit_gelu(&w->e, any_input(w, n, 0)));
}

static void usual_relu(dmx_walk *w, const dmx_node *n)
{
    set_any(w, n, dmx_emit_1(&w->e, "Relu", any_input(w, n, 0)));
}

static void usual_glu(dmx_walk *w, const dmx_node *n)
{
    dmx_name half[2];
    dmx_usual_split(&w->e, any_input(w, n, 0), 1, half);
    half[1] = dmx_emit_1(&w->e, "Sigmoid", half[1]);
    set_any(w, n, dmx_emit_2(&w->e, "Mul", half[0], half[1]));
}

static void usual_scale(dmx_walk *w, const dmx_node *n)
{
    const int64_t channels = dmx_weight_of(n)->dim[0];
    const int64_t column[] = {1, channels, 1, 1};
    const size_t rank = is_tokens(w, n->in[0])              ? 1
                        : w->value[n->in[0]].folded != NULL ? 3
                                                            : 4;
    const int64_t *dim = rank == 1 ? &channels : column;
    const dmx_name x = any_input(w, n, 0);
    set_any(
        w, n,
        dmx_emit_2(&w->e, "Mul", x,
                   dmx_weight_vector(&w->e, dmx_weight_of(n), 1.0, dim, rank)));
}

static void usual_add(dmx_walk *w, const dmx_node *n)
{
    if (w->value[n->in[1]].name == NULL && w->value[n->in[1]].folded == NULL) {
        (void)dmx_usual_plain(w, n->in[0]);
        dmx_recipe_add(
            w, n); /* a table that is emitted with the sum that uses it */
        return;
    }
    const dmx_name a = any_input(w, n, 0);
    dmx_name b = any_input(w, n, 1);
    if (n->at.alpha != 1.0)
        b = dmx_emit_mul_scalar(&w->e, b, n->at.alpha);
    set_any(w, n, dmx_emit_2(&w->e, "Add", a, b));
}

/* The recipes of recipe_common.c need plain signals. */
static void plain_inputs(dmx_walk *w, const dmx_node *n)
{
    for (int k = 0; k < n->n_in; k++)
        (void)dmx_usual_plain(w, n->in[k]);
}

static void usual_crop(dmx_walk *w, const dmx_node *n)
{
    plain_inputs(w, n);
    dmx_recipe_crop(w, n);
}

static void usual_concat(dmx_walk *w, const dmx_node *n)
{
    plain_inputs(w, n);
    dmx_recipe_concat(w, n);
}

static void usual_reshape(dmx_walk *w, const dmx_node *n)
{
    plain_inputs(w, n);
    dmx_recipe_reshape(w, n);
}

static void usual_bias(dmx_walk *w, const dmx_node *n)
{
    plain_inputs(w, n);
    dmx_recipe_bias(w, n);
}

static void usual_pad(dmx_walk *w, const dmx_node *n)
{
    dmx_walk_set(w, n,
                 dmx_emit_pad(&w->e, dmx_usual_plain(w, n->in[0]), 4,
                              n->at.axis + 1, n->at.before, n->at.after,
                              false));
}

/* One reduction over everything. */
static dmx_name mean_of_all(dmx_emitter *e, dmx_name x)
{
    const int64_t axes[] = {1, 2, 3};
    if (e->opset >= 18) {
        x = dmx_emit_2(e, "ReduceMean", x, dmx_constant_i64(e, axes, 3));
    } else {
        x = dmx_emit_1(e, "ReduceMean", x);
        dmx_attribute_ints(e, "axes", axes, 3);
    }
    dmx_attribute_int(e, "keepdims", 1);
    return x;
}

static void usual_statistics(dmx_walk *w, const dmx_node *n)
{
    dmx_emitter *e = &w->e;
    const dmx_shape *s = &w->g->value[n->in[0]].shape;
    const double count = (double)dmx_shape_count(s);
    const dmx_name x = dmx_usual_plain(w, n->in[0]);
    const dmx_name mean = mean_of_all(e, x);
    const dmx_name c = dmx_emit_2(e, "Sub", x, mean);
    dmx_name v = mean_of_all(e, dmx_emit_2(e, "Mul", c, c));
    v = dmx_emit_mul_scalar(e, v, count / (count - 1.0));
    w->value[n->out[0]].name = mean;
    w->value[n->out[1]].name = dmx_emit_1(e, "Sqrt", v);
    dmx_walk_skip(w, n);
}

static void usual_unstandardize(dmx_walk *w, const dmx_node *n)
{
    dmx_emitter *e = &w->e;
    dmx_name x = dmx_usual_plain(w, n->in[0]);
    x = dmx_emit_2(e, "Mul", x, dmx_walk_in(w, n, 2));
    dmx_walk_set(w, n, dmx_emit_2(e, "Add", x, dmx_walk_in(w, n, 1)));
}

/* Recipes from other files, and those that are the same in the library. */
#define usual_attention      dmx_usual_attention
#define usual_freq_embedding dmx_recipe_freq_embedding
#define usual_input          dmx_recipe_input
#define usual_istft          dmx_usual_istft
#define usual_layer_norm     dmx_recipe_layer_norm
#define usual_linear         dmx_usual_linear
#define usual_position_1d    dmx_recipe_position_1d
#define usual_position_2d    dmx_usual_position
#define usual_standardize    dmx_recipe_standardize
#define usual_stft           dmx_usual_stft
#define usual_tokens         dmx_usual_tokens
#define usual_untokens       dmx_usual_untokens

/* Operations that were never exported in this way: a graph with one is refused
 * with its name. */
#define usual_magnitude       NULL
#define usual_mask            NULL
#define usual_wiener          NULL
#define usual_mono            NULL
#define usual_resample        NULL
#define usual_lstm            NULL
#define usual_local_attention NULL

const dmx_recipe_table dmx_usual_recipes = {
    .flat = true,
    .recipe =
        {
#define DMX_OPERATION(NAME, name, ...) [DMX_OP_##NAME] = usual_##name,
#include "graph/operations.def"
#undef DMX_OPERATION
        },
};
