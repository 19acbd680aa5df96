#include "onnx/emit_shape.h"

#include "onnx/infer_rules.h"

#include <string.h>

/* ---- declarations ------------------------------------------------------- */
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
                                      const dmx_value_type *t)
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
    dmx_inference i = {.e = e, .node = node};
    dmx_inference_rule *rule = dmx_inference_rule_of(node->op_type);
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
    const dmx_value_type *x =
        node->n_input > 0 ? dmx_emitter_type(e, node->input[0]) : NULL;
    dmx_value_type type = {.element =
                               x != NULL ? x->element
                                         : ONNX__TENSOR_PROTO__DATA_TYPE__INT64,
                           .rank = (int)rank};
    memcpy(type.dim, dim, rank * sizeof *dim);
    dmx_emitter_set_type(e, node->output[0], &type);
    return node->output[0];
}

dmx_name dmx_emitter_apart(dmx_emitter *e, dmx_name x, int axis, int64_t tag)
{
    dmx_emitter_infer(e);
    const dmx_value_type *old = dmx_emitter_type(e, x);
    if (old == NULL)
        return x;
    dmx_value_type type = *old;
    type.dim[axis] = dmx_extent_apart(e, type.dim[axis], tag);
    dmx_emitter_set_type(e, x, &type);
    return x;
}

dmx_name dmx_emitter_like(dmx_emitter *e, dmx_name other)
{
    const dmx_value_type *type = dmx_emitter_type(e, other);
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
                                       const char *name,
                                       const dmx_value_type *type)
{
    dmx_value_type t = *type;
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
            const dmx_value_type *type = dmx_emitter_type(e, name);
            if (type != NULL && strcmp(name, e->output->name) != 0)
                list[(*count)++] = late_info(e, k, name, type);
        }
    return list;
}
