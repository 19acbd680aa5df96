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

/* Tokens of v as bytes, made once for all layers that take them. */
static const dmx_bytes *bytes_of(dmx_walk *w, const dmx_node *n)
{
    dmx_emitter *e = &w->e;
    dmx_bytes *y = &w->value[n->in[0]].bytes;
    const dmx_name x = dmx_walk_in(w, n, 0);
    if (y->integers != NULL || dmx_emitter_failed(e))
        return y;
    dmx_name out[3];
    (void)dmx_emit_1(e, "DynamicQuantizeLinear", x);
    dmx_emitter_outputs(e, out, 3);
    set_scalar_type(e, out[1], ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
    set_scalar_type(e, out[2], ONNX__TENSOR_PROTO__DATA_TYPE__UINT8);
    *y = (dmx_bytes){out[0], out[1], out[2]};
    return y;
}

/* ---- the layer ----------------------------------------------------------- */
static dmx_name product(dmx_emitter *e, const dmx_bytes *x,
                        const quantised_weight *q)
{
    const dmx_name in[] = {x->integers, q->integers, x->zero};
    return dmx_emit_cast_f32(e, dmx_emit(e, "MatMulInteger", in, 3));
}

/* In the order in which ONNX Runtime finds its fused form. */
dmx_name dmx_emit_int8(dmx_walk *w, const dmx_node *n, const dmx_tensor *scale,
                       double factor)
{
    dmx_emitter *e = &w->e;
    const dmx_tensor *weight = dmx_weight_of(n), *bias = dmx_bias_of(n);
    const dmx_bytes *x = bytes_of(w, n);
    const quantised_weight q = quantise(e, weight);
    if (dmx_emitter_failed(e))
        return "";
    const dmx_name steps = output_scales(e, &q, weight, scale, factor);
    const dmx_name sum = product(e, x, &q);
    const dmx_name scales = dmx_emit_2(e, "Mul", x->scale, steps);
    const dmx_name y = dmx_emit_2(e, "Mul", sum, scales);
    w->n_int8++;
    return bias == NULL ? y
                        : dmx_emit_2(e, "Add", y,
                                     dmx_weight_bias(e, bias, scale, factor));
}
