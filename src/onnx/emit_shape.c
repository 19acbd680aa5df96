#include "onnx/emit_shape.h"

#include <string.h>

typedef dmx_value_type value_type;

/* A node, the types of its first inputs, and of its result. */
typedef struct inference {
    dmx_emitter *e;
    const Onnx__NodeProto *node;
    const value_type *in[3]; /* NULL: no such input */
    value_type out;          /* begins as the first input's */
} inference;

typedef bool inference_rule(inference *i);

static const Onnx__AttributeProto *attribute(const inference *i,
                                             const char *name)
{
    for (size_t k = 0; k < i->node->n_attribute; k++)
        if (strcmp(i->node->attribute[k]->name, name) == 0)
            return i->node->attribute[k];
    return NULL;
}

static int64_t number(const inference *i, const char *name, int64_t absent)
{
    const Onnx__AttributeProto *a = attribute(i, name);
    return a != NULL ? a->i : absent;
}

static int64_t number_of_list(const inference *i, const char *name, size_t k,
                              int64_t absent)
{
    const Onnx__AttributeProto *a = attribute(i, name);
    return a != NULL && k < a->n_ints ? a->ints[k] : absent;
}

/* ---- rules --------------------------------------------------------------- */
static bool same(inference *i)
{
    (void)i;
    return true;
}

static bool cast(inference *i)
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

static bool broadcast(inference *i)
{
    return i->in[1] != NULL && broadcast_dims(&i->out, i->in[0], i->in[1], 0);
}

static bool compare(inference *i)
{
    i->out.element = ONNX__TENSOR_PROTO__DATA_TYPE__BOOL;
    return broadcast(i);
}

/* Of a condition and two values. */
static bool where(inference *i)
{
    value_type some;
    if (i->in[1] == NULL || i->in[2] == NULL)
        return false;
    i->out.element = i->in[1]->element;
    return broadcast_dims(&some, i->in[0], i->in[1], 0) &&
           broadcast_dims(&i->out, &some, i->in[2], 0);
}

static bool transpose(inference *i)
{
    for (int k = 0; k < i->out.rank; k++)
        i->out.dim[k] = i->in[0]->dim[number_of_list(i, "perm", (size_t)k, k)];
    return true;
}

static bool matmul(inference *i)
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

static bool matmul_integer(inference *i)
{
    i->out.element = ONNX__TENSOR_PROTO__DATA_TYPE__INT32;
    return matmul(i);
}

/* Of its first result. */
static bool quantise(inference *i)
{
    i->out.element = ONNX__TENSOR_PROTO__DATA_TYPE__UINT8;
    return true;
}

static bool concat(inference *i)
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

static bool shape_vector(inference *i)
{
    i->out = (value_type){.element = ONNX__TENSOR_PROTO__DATA_TYPE__INT64,
                          .rank = 1,
                          .dim = {i->in[0]->rank}};
    return true;
}

static bool squeeze(inference *i)
{
    i->out.rank = 0;
    return i->in[0]->rank == 1;
}

/* Kernel, stride, padding and dilation of one axis. */
static dmx_extent conv_dim(const inference *i, size_t k, size_t axes)
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

static bool conv(inference *i)
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
static bool conv_transpose(inference *i)
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
    inference_rule *rule;
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

static inference_rule *rule_of(const char *operator_name)
{
    for (size_t k = 0; k < sizeof rules / sizeof rules[0]; k++)
        if (strcmp(rules[k].name, operator_name) == 0)
            return rules[k].rule;
    return NULL;
}

/* ---- declarations ---------------------------------------------------------
 */
static Onnx__TensorShapeProto *new_shape(dmx_emitter *e, const dmx_extent *dim,
                                         size_t rank)
{
    Onnx__TensorShapeProto *shape = dmx_emitter_alloc(e, 1, sizeof *shape);
    Onnx__TensorShapeProto__Dimension *d =
        dmx_emitter_alloc(e, rank + 1, sizeof *d);
    Onnx__TensorShapeProto__Dimension **list =
        dmx_emitter_alloc(e, rank + 1, sizeof *list);
    if (list == NULL)
        return NULL;
    onnx__tensor_shape_proto__init(shape);
    for (size_t k = 0; k < rank; k++) {
        onnx__tensor_shape_proto__dimension__init(&d[k]);
        list[k] = &d[k];
        if (dim[k] >= 0) {
            d[k].value_case =
                ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            d[k].dim_value = dim[k];
        } else if (dmx_extent_is_free(dim[k])) {
            d[k].value_case =
                ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
            d[k].dim_param = (char *)dmx_extent_name(e, dim[k]);
        }
    }
    shape->dim = list;
    shape->n_dim = rank;
    return shape;
}

static Onnx__ValueInfoProto *new_info(dmx_emitter *e, const char *name,
                                      const value_type *t)
{
    Onnx__ValueInfoProto *info = dmx_emitter_alloc(e, 1, sizeof *info);
    Onnx__TypeProto *type = dmx_emitter_alloc(e, 1, sizeof *type);
    Onnx__TypeProto__Tensor *tensor = dmx_emitter_alloc(e, 1, sizeof *tensor);
    Onnx__TensorShapeProto *shape = new_shape(e, t->dim, (size_t)t->rank);
    if (shape == NULL)
        return NULL;
    onnx__value_info_proto__init(info);
    onnx__type_proto__init(type);
    onnx__type_proto__tensor__init(tensor);
    tensor->has_elem_type = 1;
    tensor->elem_type = t->element;
    tensor->shape = shape;
    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = tensor;
    info->name = (char *)name;
    info->type = type;
    return info;
}

void dmx_emitter_declare(dmx_emitter *e, Onnx__ValueInfoProto **which,
                         const char *name, const dmx_extent *dim, size_t rank)
{
    dmx_value_type type = {.element = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT,
                           .rank = (int)rank};
    memcpy(type.dim, dim, rank * sizeof *dim);
    Onnx__ValueInfoProto *info = new_info(e, name, &type);
    if (info == NULL)
        return;
    *which = info;
    dmx_emitter_set_type(e, name, &type);
}

/* ---- nodes --------------------------------------------------------------- */
static void infer_node(dmx_emitter *e, const Onnx__NodeProto *node)
{
    inference i = {.e = e, .node = node};
    inference_rule *rule = rule_of(node->op_type);
    if (dmx_emitter_type(e, node->output[0]) != NULL)
        return;
    for (size_t k = 0; k < node->n_input && k < 3; k++)
        i.in[k] = dmx_emitter_type(e, node->input[k]);
    if (i.in[0] != NULL)
        i.out = *i.in[0];
    if (rule == NULL || i.in[0] == NULL || !rule(&i))
        dmx_emitter_fail(e, DMX_ERROR_UNSUPPORTED,
                         "%s: no rule for the dimensions of its result: "
                         "export for one length",
                         node->name);
    else
        dmx_emitter_set_type(e, node->output[0], &i.out);
}

void dmx_emitter_free(dmx_emitter *e, bool batch)
{
    e->free = true;
    e->settle = dmx_emitter_infer;
    if (batch)
        e->batch = dmx_extent_of(e, dmx_length_fixed(1), true);
}

void dmx_emitter_infer(dmx_emitter *e)
{
    if (!e->free)
        return;
    while (e->n_typed < e->n_node && !dmx_emitter_failed(e))
        infer_node(e, e->node[e->n_typed++]);
}

dmx_name dmx_emitter_shaped(dmx_emitter *e, const dmx_extent *dim, size_t rank)
{
    if (dmx_emitter_failed(e) || e->n_node == 0)
        return "";
    const Onnx__NodeProto *node = e->node[e->n_node - 1];
    if (!e->free)
        return node->output[0];
    const value_type *x =
        node->n_input > 0 ? dmx_emitter_type(e, node->input[0]) : NULL;
    value_type type = {.element = x != NULL
                                      ? x->element
                                      : ONNX__TENSOR_PROTO__DATA_TYPE__INT64,
                       .rank = (int)rank};
    memcpy(type.dim, dim, rank * sizeof *dim);
    dmx_emitter_set_type(e, node->output[0], &type);
    return node->output[0];
}

dmx_name dmx_emitter_apart(dmx_emitter *e, dmx_name x, int axis, int64_t tag)
{
    dmx_emitter_infer(e);
    const value_type *old = dmx_emitter_type(e, x);
    if (old == NULL)
        return x;
    value_type type = *old;
    type.dim[axis] = dmx_extent_apart(e, type.dim[axis], tag);
    dmx_emitter_set_type(e, x, &type);
    return x;
}

dmx_name dmx_emitter_like(dmx_emitter *e, dmx_name other)
{
    const value_type *type = dmx_emitter_type(e, other);
    if (dmx_emitter_failed(e) || e->n_node == 0)
        return "";
    const char *name = e->node[e->n_node - 1]->output[0];
    if (type != NULL)
        dmx_emitter_set_type(e, name, type);
    return name;
}

enum { LATE_TAG = 1 };

/* A result of node k. What follows the last attention shares no buffer with
 * what is before it: that would be kept in between, where scores need room. */
static Onnx__ValueInfoProto *late_info(dmx_emitter *e, size_t k,
                                       const char *name, const value_type *type)
{
    value_type t = *type;
    for (int d = 0; e->late > 0 && k >= e->late && d < t.rank; d++)
        t.dim[d] = dmx_extent_apart(e, t.dim[d], LATE_TAG);
    return new_info(e, name, &t);
}

static size_t result_count(const dmx_emitter *e)
{
    size_t count = 0;
    for (size_t k = 0; k < e->n_node; k++)
        count += e->node[k]->n_output;
    return count;
}

Onnx__ValueInfoProto **dmx_emitter_values(dmx_emitter *e, size_t *count)
{
    *count = 0;
    if (!e->free)
        return NULL;
    dmx_emitter_infer(e);
    Onnx__ValueInfoProto **list = dmx_emitter_alloc(
        e, result_count(e) + 1, sizeof(Onnx__ValueInfoProto *));
    for (size_t k = 0; k < e->n_node && !dmx_emitter_failed(e); k++)
        for (size_t i = 0; i < e->node[k]->n_output; i++) {
            const char *name = e->node[k]->output[i];
            const value_type *type = dmx_emitter_type(e, name);
            if (type != NULL && strcmp(name, e->output->name) != 0)
                list[(*count)++] = late_info(e, k, name, type);
        }
    return list;
}
