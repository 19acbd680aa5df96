#include "onnx/infer_rules.h"

#include "onnx/extent.h"

#include <string.h>

typedef dmx_value_type value_type;

static const Onnx__AttributeProto *attribute(const dmx_inference *i,
                                             const char *name)
{
    for (size_t k = 0; k < i->node->n_attribute; k++)
        if (strcmp(i->node->attribute[k]->name, name) == 0)
            return i->node->attribute[k];
    return NULL;
}

static int64_t number(const dmx_inference *i, const char *name, int64_t absent)
{
    const Onnx__AttributeProto *a = attribute(i, name);
    return a != NULL ? a->i : absent;
}

static int64_t number_of_list(const dmx_inference *i, const char *name,
                              size_t k, int64_t absent)
{
    const Onnx__AttributeProto *a = attribute(i, name);
    return a != NULL && k < a->n_ints ? a->ints[k] : absent;
}

static bool same(dmx_inference *i)
{
    (void)i;
    return true;
}

static bool cast(dmx_inference *i)
{
    i->out.element = (int32_t)number(i, "to", 0);
    return true;
}

/* Of two dimensions that are combined element by element. */
static bool broadcast_dim(dmx_extent *out, dmx_extent a, dmx_extent b)
{
    *out = a == 1 ? b : a;
    return a == b || a == 1 || b == 1;
}

static bool broadcast_dims(value_type *out, const value_type *a,
                           const value_type *b, int from)
{
    const value_type *longer = a->rank >= b->rank ? a : b;
    const value_type *other = longer == a ? b : a;
    const int skip = longer->rank - other->rank;
    for (int k = 0; k < longer->rank - from; k++) {
        const dmx_extent there = k < skip ? 1 : other->dim[k - skip];
        if (!broadcast_dim(&out->dim[k], longer->dim[k], there))
            return false;
    }
    out->rank = longer->rank;
    return true;
}

static bool broadcast(dmx_inference *i)
{
    return i->in[1] != NULL && broadcast_dims(&i->out, i->in[0], i->in[1], 0);
}

static bool compare(dmx_inference *i)
{
    i->out.element = ONNX__TENSOR_PROTO__DATA_TYPE__BOOL;
    return broadcast(i);
}

/* Of a condition and two values. */
static bool where(dmx_inference *i)
{
    value_type some;
    if (i->in[1] == NULL || i->in[2] == NULL)
        return false;
    i->out.element = i->in[1]->element;
    return broadcast_dims(&some, i->in[0], i->in[1], 0) &&
           broadcast_dims(&i->out, &some, i->in[2], 0);
}

static bool transpose(dmx_inference *i)
{
    for (int k = 0; k < i->out.rank; k++)
        i->out.dim[k] = i->in[0]->dim[number_of_list(i, "perm", (size_t)k, k)];
    return true;
}

static bool matmul(dmx_inference *i)
{
    const value_type *a = i->in[0], *b = i->in[1];
    if (b == NULL || a->rank < 2 || b->rank < 2 ||
        a->dim[a->rank - 1] != b->dim[b->rank - 2] ||
        !broadcast_dims(&i->out, a, b, 2))
        return false;
    i->out.dim[i->out.rank - 2] = a->dim[a->rank - 2];
    i->out.dim[i->out.rank - 1] = b->dim[b->rank - 1];
    return true;
}

static bool matmul_integer(dmx_inference *i)
{
    i->out.element = ONNX__TENSOR_PROTO__DATA_TYPE__INT32;
    return matmul(i);
}

/* Of its first result. */
static bool quantise(dmx_inference *i)
{
    i->out.element = ONNX__TENSOR_PROTO__DATA_TYPE__UINT8;
    return true;
}

static bool concat(dmx_inference *i)
{
    const int64_t axis = number(i, "axis", 0);
    for (size_t k = 1; k < i->node->n_input; k++) {
        const value_type *x = dmx_emitter_type(i->e, i->node->input[k]);
        if (x == NULL || x->rank != i->out.rank)
            return false;
        for (int d = 0; d < x->rank; d++)
            if (d != axis && x->dim[d] != i->out.dim[d])
                return false;
        i->out.dim[axis] = dmx_extent_sum(i->e, i->out.dim[axis], x->dim[axis]);
    }
    return i->out.dim[axis] != DMX_UNNAMED;
}

static bool shape_vector(dmx_inference *i)
{
    i->out = (value_type){.element = ONNX__TENSOR_PROTO__DATA_TYPE__INT64,
                          .rank = 1,
                          .dim = {i->in[0]->rank}};
    return true;
}

static bool squeeze(dmx_inference *i)
{
    i->out.rank = 0;
    return i->in[0]->rank == 1;
}

/* Kernel, stride, padding and dilation of one axis. */
static dmx_extent conv_dim(const dmx_inference *i, size_t k, size_t axes)
{
    const int64_t kernel = i->in[1]->dim[2 + k];
    const int64_t stride = number_of_list(i, "strides", k, 1);
    const int64_t reach =
        number_of_list(i, "dilations", k, 1) * (kernel - 1) + 1;
    const int64_t pads = number_of_list(i, "pads", k, 0) +
                         number_of_list(i, "pads", axes + k, 0);
    const dmx_extent x = i->in[0]->dim[2 + k];
    if (x == DMX_UNNAMED)
        return x;
    const dmx_extent room = dmx_extent_plus(i->e, x, pads - reach);
    return dmx_extent_sum(i->e, dmx_extent_floor(i->e, room, stride), 1);
}

static bool conv(dmx_inference *i)
{
    if (i->in[1] == NULL || i->in[1]->rank != i->out.rank || i->out.rank < 3)
        return false;
    const size_t axes = (size_t)i->out.rank - 2;
    i->out.dim[1] = i->in[1]->dim[0];
    for (size_t k = 0; k < axes; k++) {
        i->out.dim[2 + k] = conv_dim(i, k, axes);
        if (i->out.dim[2 + k] == DMX_UNNAMED)
            return false;
    }
    return true;
}

/* (x - 1) stride + kernel - padding */
static bool conv_transpose(dmx_inference *i)
{
    if (i->in[1] == NULL || i->in[1]->rank != i->out.rank || i->out.rank < 3)
        return false;
    const size_t axes = (size_t)i->out.rank - 2;
    i->out.dim[1] = i->in[1]->dim[1] * number(i, "group", 1);
    for (size_t k = 0; k < axes; k++) {
        const int64_t stride = number_of_list(i, "strides", k, 1);
        const int64_t more = i->in[1]->dim[2 + k] - stride -
                             number_of_list(i, "pads", k, 0) -
                             number_of_list(i, "pads", axes + k, 0);
        i->out.dim[2 + k] = dmx_extent_plus(
            i->e, dmx_extent_times(i->e, i->in[0]->dim[2 + k], stride), more);
    }
    return true;
}

static const struct {
    const char *name;
    dmx_inference_rule *rule;
} rules[] = {
    {"Abs", same},
    {"Add", broadcast},
    {"Cast", cast},
    {"Concat", concat},
    {"Conv", conv},
    {"ConvTranspose", conv_transpose},
    {"Cos", same},
    {"Div", broadcast},
    {"DynamicQuantizeLinear", quantise},
    {"Equal", compare},
    {"Erf", same},
    {"LayerNormalization", same},
    {"MatMul", matmul},
    {"MatMulInteger", matmul_integer},
    {"Max", broadcast},
    {"Min", broadcast},
    {"Mul", broadcast},
    {"Reciprocal", same},
    {"Relu", same},
    {"Shape", shape_vector},
    {"Sigmoid", same},
    {"Sin", same},
    {"Softmax", same},
    {"Sqrt", same},
    {"Squeeze", squeeze},
    {"Sub", broadcast},
    {"Tanh", same},
    {"Transpose", transpose},
    {"Where", where},
};

dmx_inference_rule *dmx_inference_rule_of(const char *operator_name)
{
    for (size_t k = 0; k < sizeof rules / sizeof rules[0]; k++)
        if (strcmp(rules[k].name, operator_name) == 0)
            return rules[k].rule;
    return NULL;
}
