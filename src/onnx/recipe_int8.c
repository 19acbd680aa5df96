/* Linear layers in 8 bits: x W + b, the activations quantised while the model
 * runs (DynamicQuantizeLinear, one scale a tensor), the weights when it is
 * written (int8.h, one step an output). The sum of integers is exact:
 *   x ~ s (q - z), W[:, o] ~ t[o] p[:, o]
 *   y = (s t) MatMulInteger(q, p, z) + b */
#include "onnx/emit_weights.h"
#include "onnx/walk.h"

/* 255 * 127 * this is below 2^31. */
#define MOST_INPUTS ((int64_t)1 << 16)

static bool is_activation(const dmx_node *n)
{
    return n != NULL && (n->op == DMX_OP_GELU || n->op == DMX_OP_RELU);
}

/* One of the pair around an activation. */
static bool is_feed_forward(const dmx_walk *w, const dmx_node *n)
{
    return is_activation(&w->g->node[w->g->value[n->in[0]].producer]) ||
           dmx_next_op(&w->a, n, DMX_OP_GELU) != NULL ||
           dmx_next_op(&w->a, n, DMX_OP_RELU) != NULL;
}

static unsigned layers_of(const dmx_walk *w, const dmx_node *n)
{
    if (is_feed_forward(w, n))
        return DMX_INT8_FEED;
    return dmx_only_consumers(&w->a, n->out[0], DMX_OP_ATTENTION)
               ? DMX_INT8_HEADS
               : DMX_INT8_RESULTS;
}

bool dmx_is_int8(const dmx_walk *w, const dmx_node *n)
{
    return (w->int8 & layers_of(w, n)) != 0 &&
           dmx_weight_of(n)->dim[1] <= MOST_INPUTS;
}

/* ---- weights ------------------------------------------------------------- */
typedef struct quantised_weight {
    dmx_name integers; /* int8 [in][out] */
    double *step;      /* [out] */
} quantised_weight;

/* Rows of w [out][in] as columns of q [in][out]. */
static void quantise_outputs(int8_t *q, double *step, int8_t *row,
                             const float *w, int64_t n_out, int64_t in)
{
    for (int64_t o = 0; o < n_out; o++) {
        step[o] = dmx_int8_quantise(row, w + o * in, in);
        for (int64_t i = 0; i < in; i++)
            q[i * n_out + o] = row[i];
    }
}

static quantised_weight quantise(dmx_emitter *e, const dmx_tensor *weight)
{
    const int64_t n_out = weight->dim[0], in = weight->dim[1];
    quantised_weight y = {.integers = ""};
    float *w = dmx_weight_floats(e, weight);
    int8_t *q = dmx_emitter_buffer(e, (size_t)(n_out * in), 1);
    int8_t *row = dmx_emitter_buffer(e, (size_t)in, 1);
    y.step = dmx_emitter_alloc(e, (size_t)n_out, sizeof *y.step);
    if (dmx_emitter_failed(e))
        return y;
    quantise_outputs(q, y.step, row, w, n_out, in);
    dmx_emitter_drop_buffer(e, row);
    dmx_emitter_drop_buffer(e, w);
    y.integers = dmx_constant_s8(e, weight->name, q, DMX_DIMS(in, n_out));
    return y;
}

/* Steps times what is folded into the outputs. */
static dmx_name output_scales(dmx_emitter *e, const quantised_weight *q,
                              const dmx_tensor *weight, const dmx_tensor *scale,
                              double factor)
{
    const int64_t n = weight->dim[0];
    const double *s = scale != NULL ? dmx_weight_doubles(e, scale) : NULL;
    if (dmx_emitter_failed(e))
        return "";
    for (int64_t o = 0; o < n; o++)
        q->step[o] *= s != NULL ? s[o] * factor : factor;
    const dmx_name y = dmx_constant_f64(e, "int8_scale", q->step, &n, 1);
    dmx_emitter_drop_buffer(e, (void *)s);
    return y;
}

/* ---- activations --------------------------------------------------------- */
static void set_scalar_type(dmx_emitter *e, dmx_name name, int32_t element)
{
    const dmx_value_type type = {.element = element};
    dmx_emitter_set_type(e, name, &type);
}

static dmx_bytes to_bytes(dmx_emitter *e, dmx_name x)
{
    dmx_name out[3] = {"", "", ""};
    (void)dmx_emit_1(e, "DynamicQuantizeLinear", x);
    if (dmx_emitter_failed(e))
        return (dmx_bytes){NULL, NULL, NULL};
    dmx_emitter_outputs(e, out, 3);
    set_scalar_type(e, out[1], ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
    set_scalar_type(e, out[2], ONNX__TENSOR_PROTO__DATA_TYPE__UINT8);
    return (dmx_bytes){out[0], out[1], out[2]};
}

/* Tokens of v as bytes, made once for all layers that take them. */
static const dmx_bytes *bytes_of(dmx_walk *w, const dmx_node *n)
{
    dmx_bytes *y = &w->value[n->in[0]].bytes;
    const dmx_name x = dmx_walk_in(w, n, 0);
    if (y->integers == NULL)
        *y = to_bytes(&w->e, x);
    return y;
}

/* In the order in which ONNX Runtime finds its fused form. */
static dmx_name product(dmx_emitter *e, const dmx_bytes *x, dmx_name weights,
                        dmx_name steps)
{
    const dmx_name in[] = {x->integers, weights, x->zero};
    const dmx_name sum =
        dmx_emit_cast_f32(e, dmx_emit(e, "MatMulInteger", in, 3));
    return dmx_emit_2(e, "Mul", sum, dmx_emit_2(e, "Mul", x->scale, steps));
}

/* ---- attention without what its values share ------------------------------
 * Softmax's weights sum to 1, so for any c
 *   softmax(s) v = softmax(s) (v - c) + c
 * and a c near the mean of all values leaves results that are much smaller,
 * and so are the steps of their 8 bits. c goes through the output projection
 * by itself, in float32, and joins its bias; v's own bias does so in the file.
 * In between v - c takes no operation more than v + bias. */
static const dmx_node *values_of(const dmx_walk *w, const dmx_node *n)
{
    const dmx_node *from = &w->g->node[w->g->value[n->in[0]].producer];
    return from->op == DMX_OP_ATTENTION
               ? &w->g->node[w->g->value[from->in[2]].producer]
               : NULL;
}

/* Whether n makes the values of one attention, whose results go to a layer in
 * 8 bits and nowhere else. */
static bool is_shifted(const dmx_walk *w, const dmx_node *n)
{
    const dmx_value y = n->out[0];
    const int32_t user = dmx_sole_consumer(&w->a, y);
    const dmx_node *to = user >= 0 ? &w->g->node[user] : NULL;
    if (to == NULL || to->op != DMX_OP_ATTENTION || to->in[0] == y ||
        to->in[1] == y)
        return false;
    const dmx_node *result = dmx_next_op(&w->a, to, DMX_OP_LINEAR);
    return result != NULL && dmx_is_int8(w, result);
}

/* -c without the bias: of the mean token, in 8 bits like the values. */
static dmx_name shift_of(dmx_walk *w, const dmx_node *n, dmx_name weights,
                         dmx_name steps)
{
    dmx_emitter *e = &w->e;
    dmx_name x = dmx_walk_in(w, n, 0);
    for (int64_t axis = 2; axis >= (e->batch == 1 ? 1 : 0); axis--)
        x = dmx_emit_reduce(e, "ReduceMean", x, axis);
    const dmx_bytes mean = to_bytes(e, x);
    return dmx_emit_mul_scalar(e, product(e, &mean, weights, steps), -1);
}

/* ---- biases -------------------------------------------------------------- */
/* (W values' bias + bias) scale, times factor; either may be NULL. */
static dmx_name joined_bias(dmx_emitter *e, const dmx_node *n,
                            const dmx_node *values, const double *scale,
                            double factor)
{
    const int64_t n_out = dmx_weight_of(n)->dim[0],
                  in = dmx_weight_of(n)->dim[1];
    const dmx_tensor *own = dmx_bias_of(n), *more = dmx_bias_of(values);
    double *w = dmx_weight_doubles(e, dmx_weight_of(n));
    const double *b = own != NULL ? dmx_weight_doubles(e, own) : NULL;
    const double *v = more != NULL ? dmx_weight_doubles(e, more) : NULL;
    double *sum = dmx_emitter_alloc(e, (size_t)n_out, sizeof *sum);
    if (dmx_emitter_failed(e))
        return "";
    for (int64_t o = 0; o < n_out; o++) {
        sum[o] = b != NULL ? b[o] : 0;
        for (int64_t i = 0; v != NULL && i < in; i++)
            sum[o] += w[o * in + i] * v[i];
        sum[o] *= scale != NULL ? scale[o] * factor : factor;
    }
    dmx_emitter_drop_buffer(e, w);
    return dmx_constant_f64(e, "joined_bias", sum, &n_out, 1);
}

/* What n adds where its input lacks c. */
static dmx_name shifted_bias(dmx_walk *w, const dmx_node *n,
                             const dmx_node *values, const dmx_tensor *scale,
                             double factor)
{
    dmx_emitter *e = &w->e;
    const double *s = scale != NULL ? dmx_weight_doubles(e, scale) : NULL;
    const dmx_name joined = joined_bias(e, n, values, s, factor);
    dmx_name c =
        dmx_emit_linear(e, w->value[values->out[0]].shift, dmx_weight_of(n),
                        NULL, NULL, scale == NULL ? factor : 1);
    if (scale != NULL)
        c = dmx_emit_2(e, "Mul", c,
                       dmx_weight_vector(e, scale, factor, scale->dim, 1));
    c = dmx_emit_reshape(e, c, DMX_DIMS(dmx_weight_of(n)->dim[0]));
    return dmx_emit_2(e, "Sub", joined, c);
}

/* What is added to the product of n; NULL: nothing. */
static dmx_name added(dmx_walk *w, const dmx_node *n, dmx_name weights,
                      dmx_name steps, const dmx_tensor *scale, double factor)
{
    const dmx_tensor *bias = dmx_bias_of(n);
    dmx_name *shift = &w->value[n->out[0]].shift;
    const dmx_node *values = values_of(w, n);
    if (values != NULL && w->value[values->out[0]].shift != NULL)
        return shifted_bias(w, n, values, scale, factor);
    if (is_shifted(w, n)) {
        *shift = shift_of(w, n, weights, steps);
        return dmx_emit_reshape(&w->e, *shift,
                                DMX_DIMS(dmx_weight_of(n)->dim[0]));
    }
    return bias != NULL ? dmx_weight_bias(&w->e, bias, scale, factor) : NULL;
}

/* ---- the layer ----------------------------------------------------------- */
dmx_name dmx_emit_int8(dmx_walk *w, const dmx_node *n, const dmx_tensor *scale,
                       double factor)
{
    dmx_emitter *e = &w->e;
    const dmx_tensor *weight = dmx_weight_of(n);
    const dmx_bytes *x = bytes_of(w, n);
    const quantised_weight q = quantise(e, weight);
    if (dmx_emitter_failed(e))
        return "";
    const dmx_name steps = output_scales(e, &q, weight, scale, factor);
    const dmx_name bias = added(w, n, q.integers, steps, scale, factor);
    const dmx_name y = product(e, x, q.integers, steps);
    w->n_int8++;
    return bias == NULL ? y : dmx_emit_2(e, "Add", y, bias);
}
