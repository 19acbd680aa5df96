#include "onnx/emit_ops.h"
#include "onnx/emit_shape.h"

#include <string.h>

static bool any_free(const dmx_extent *dim, size_t rank)
{
    bool free = false;
    for (size_t k = 0; k < rank; k++)
        free = free || dmx_extent_is_free(dim[k]);
    return free;
}

/* ---- shapes as operands -------------------------------------------------- */
/* A vector of numbers and free extents: a constant, or runs of constants and
 * the extents between them. */
static dmx_name vector(dmx_emitter *e, const dmx_extent *dim, size_t rank)
{
    dmx_name part[2 * DMX_ONNX_MAX_RANK + 1];
    size_t n = 0, first = 0;
    if (!any_free(dim, rank))
        return dmx_constant_i64(e, dim, rank);
    for (size_t k = 0; k <= rank; k++) {
        if (k < rank && !dmx_extent_is_free(dim[k]))
            continue;
        if (k > first)
            part[n++] = dmx_constant_i64(e, dim + first, k - first);
        if (k < rank)
            part[n++] = dmx_extent_operand(e, dim[k]);
        first = k + 1;
    }
    return dmx_integer_vector(e, part, n);
}

/* The type of a value; first infers those of all earlier values. */
static const dmx_value_type *type_of(dmx_emitter *e, dmx_name x)
{
    dmx_emitter_infer(e);
    return dmx_emitter_type(e, x);
}

/* A shape for Reshape with as few computed dimensions as possible: 0 keeps one
 * of x's, -1 is inferred. */
static void spell_shape(dmx_extent *spelt, dmx_emitter *e, dmx_name x,
                        const dmx_extent *dim, size_t rank)
{
    const dmx_value_type *type = type_of(e, x);
    bool left = false;
    for (size_t k = 0; k < rank; k++)
        left = left || dim[k] == DMX_UNNAMED;
    for (size_t k = rank; k-- > 0;) {
        const bool kept =
            type != NULL && (int)k < type->rank && type->dim[k] == dim[k];
        spelt[k] = dim[k];
        if (!dmx_extent_is_free(dim[k]))
            continue;
        if (kept)
            spelt[k] = 0;
        else if (!left)
            spelt[k] = -1;
        left = left || spelt[k] == -1;
    }
}

dmx_name dmx_emit_reshape(dmx_emitter *e, dmx_name x, const dmx_extent *dim,
                          size_t rank)
{
    dmx_extent spelt[DMX_ONNX_MAX_RANK];
    if (!e->free || rank > DMX_ONNX_MAX_RANK)
        return dmx_emit_2(e, "Reshape", x, dmx_constant_i64(e, dim, rank));
    spell_shape(spelt, e, x, dim, rank);
    (void)dmx_emit_2(e, "Reshape", x, vector(e, spelt, rank));
    return dmx_emitter_shaped(e, dim, rank);
}

dmx_name dmx_emit_expand(dmx_emitter *e, dmx_name x, const dmx_extent *dim,
                         size_t rank)
{
    dmx_extent spelt[DMX_ONNX_MAX_RANK];
    if (!e->free || rank > DMX_ONNX_MAX_RANK)
        return dmx_emit_2(e, "Expand", x, dmx_constant_i64(e, dim, rank));
    const dmx_value_type *type = type_of(e, x);
    for (size_t k = 0; k < rank; k++)
        spelt[k] =
            type != NULL && type->rank == (int)rank && type->dim[k] == dim[k]
                ? 1
                : dim[k];
    (void)dmx_emit_2(e, "Expand", x, vector(e, spelt, rank));
    return dmx_emitter_shaped(e, dim, rank);
}

/* ---- operators ----------------------------------------------------------- */
dmx_name dmx_emit_transpose(dmx_emitter *e, dmx_name x, const int64_t *order,
                            size_t rank)
{
    const dmx_name y = dmx_emit_1(e, "Transpose", x);
    dmx_attribute_ints(e, "perm", order, rank);
    return y;
}

/* The dimensions of x, with `axis` replaced. */
static dmx_name shaped_like(dmx_emitter *e, dmx_name x, int64_t axis,
                            dmx_extent length)
{
    const dmx_value_type *type = dmx_emitter_type(e, x);
    dmx_extent dim[DMX_ONNX_MAX_RANK];
    if (!e->free || type == NULL)
        return e->n_node > 0 ? e->node[e->n_node - 1]->output[0] : "";
    memcpy(dim, type->dim, sizeof dim);
    dim[axis] = length;
    return dmx_emitter_shaped(e, dim, (size_t)type->rank);
}

/* The end of a slice: if possible a constant, counted from the end. */
static dmx_name slice_end(dmx_emitter *e, dmx_name x, int64_t axis,
                          dmx_extent end)
{
    const dmx_value_type *type = e->free ? type_of(e, x) : NULL;
    const dmx_extent behind =
        type != NULL ? dmx_extent_difference(e, type->dim[axis], end)
                     : DMX_UNNAMED;
    int64_t number = end;
    if (dmx_extent_is_free(end)) {
        if (behind < 0)
            return dmx_extent_operand(e, end);
        number = behind == 0 ? INT32_MAX : -behind;
    }
    return dmx_constant_i64(e, &number, 1);
}

dmx_name dmx_emit_slice(dmx_emitter *e, dmx_name x, int64_t axis,
                        dmx_extent start, dmx_extent end)
{
    const dmx_name from = dmx_extent_is_free(start)
                              ? dmx_extent_operand(e, start)
                              : dmx_constant_i64(e, &start, 1);
    const dmx_name in[] = {x, from, slice_end(e, x, axis, end),
                           dmx_constant_i64(e, &axis, 1)};
    (void)dmx_emit(e, "Slice", in, 4);
    return shaped_like(e, x, axis,
                       e->free ? dmx_extent_difference(e, end, start) : 0);
}

dmx_name dmx_emit_slice_at(dmx_emitter *e, dmx_name x, int64_t axis,
                           dmx_name start, dmx_extent length)
{
    const dmx_name end =
        dmx_integer_op(e, "Add", start, dmx_extent_operand(e, length));
    const dmx_name in[] = {x, start, end, dmx_constant_i64(e, &axis, 1)};
    (void)dmx_emit(e, "Slice", in, 4);
    return shaped_like(e, x, axis, length);
}

dmx_name dmx_emit_concat(dmx_emitter *e, const dmx_name *x, size_t count,
                         int64_t axis)
{
    const dmx_name y = dmx_emit(e, "Concat", x, count);
    dmx_attribute_int(e, "axis", axis);
    return y;
}

/* A Pad that extends an axis to `length`. */
static dmx_name pad(dmx_emitter *e, dmx_name x, dmx_name pads, int64_t axis,
                    dmx_extent length, dmx_pad_mode mode)
{
    (void)dmx_emit_2(e, "Pad", x, pads);
    if (mode != DMX_PAD_ZEROS)
        dmx_attribute_text(e, "mode",
                           mode == DMX_PAD_REFLECT ? "reflect" : "edge");
    return shaped_like(e, x, axis, length);
}

dmx_name dmx_emit_pad(dmx_emitter *e, dmx_name x, size_t rank, int64_t axis,
                      int64_t before, int64_t after, dmx_pad_mode mode)
{
    int64_t pads[16] = {0};
    dmx_extent length = 0;
    pads[axis] = before;
    pads[(int64_t)rank + axis] = after;
    if (e->free && type_of(e, x) != NULL)
        length = dmx_extent_sum(e, type_of(e, x)->dim[axis], before + after);
    return pad(e, x, dmx_constant_i64(e, pads, 2 * rank), axis, length, mode);
}

dmx_name dmx_emit_pad_names(dmx_emitter *e, dmx_name x, size_t rank,
                            int64_t axis, dmx_name before, dmx_name after,
                            dmx_extent length, dmx_pad_mode mode)
{
    const int64_t zero[16] = {0};
    const size_t at = (size_t)axis, around = rank - 1;
    dmx_name part[5];
    size_t n = 0;
    if (at > 0)
        part[n++] = dmx_constant_i64(e, zero, at);
    part[n++] = before;
    if (around > 0)
        part[n++] = dmx_constant_i64(e, zero, around);
    part[n++] = after;
    if (at < around)
        part[n++] = dmx_constant_i64(e, zero, around - at);
    return pad(e, x, dmx_integer_vector(e, part, n), axis, length, mode);
}

dmx_name dmx_emit_pad_to(dmx_emitter *e, dmx_name x, size_t rank, int64_t axis,
                         dmx_extent from, dmx_extent length)
{
    const int64_t none = 0;
    const dmx_name behind = dmx_extent_missing(e, length, from);
    return dmx_emit_pad_names(e, x, rank, axis, dmx_constant_i64(e, &none, 1),
                              behind, length, DMX_PAD_ZEROS);
}

/* Reductions took their axes as an attribute until opset 18, but ReduceSum
 * until opset 13. */
dmx_name dmx_emit_reduce(dmx_emitter *e, const char *operator_name, dmx_name x,
                         int64_t axis)
{
    const bool by_attribute =
        strcmp(operator_name, "ReduceSum") != 0 && e->opset < 18;
    if (by_attribute) {
        (void)dmx_emit_1(e, operator_name, x);
        dmx_attribute_ints(e, "axes", &axis, 1);
    } else {
        (void)dmx_emit_2(e, operator_name, x, dmx_constant_i64(e, &axis, 1));
    }
    dmx_attribute_int(e, "keepdims", 1);
    return shaped_like(e, x, axis, 1);
}

dmx_name dmx_emit_add_scalar(dmx_emitter *e, dmx_name x, double value)
{
    return dmx_emit_2(e, "Add", x, dmx_constant_scalar(e, value));
}

dmx_name dmx_emit_mul_scalar(dmx_emitter *e, dmx_name x, double value)
{
    return dmx_emit_2(e, "Mul", x, dmx_constant_scalar(e, value));
}

/* The one form that runtimes recognise and fuse: a division by sqrt 2, not a
 * product with 1/sqrt 2, and the factor 0.5 last. */
dmx_name dmx_emit_gelu(dmx_emitter *e, dmx_name x)
{
    dmx_name y =
        dmx_emit_2(e, "Div", x, dmx_constant_scalar(e, 1.4142135623730951));
    y = dmx_emit_add_scalar(e, dmx_emit_1(e, "Erf", y), 1.0);
    y = dmx_emit_2(e, "Mul", x, y);
    return dmx_emit_mul_scalar(e, y, 0.5);
}

dmx_name dmx_emit_cast_f32(dmx_emitter *e, dmx_name x)
{
    const dmx_name y = dmx_emit_1(e, "Cast", x);
    dmx_attribute_int(e, "to", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
    return y;
}

dmx_conv_geometry dmx_conv_point(void)
{
    return (dmx_conv_geometry){
        .kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}};
}

dmx_name dmx_emit_conv(dmx_emitter *e, const char *operator_name, dmx_name x,
                       dmx_name weight, dmx_name bias,
                       const dmx_conv_geometry *w)
{
    const dmx_name in[] = {x, weight, bias};
    const int64_t pads[] = {w->padding[0][0], w->padding[1][0],
                            w->padding[0][1], w->padding[1][1]};
    const dmx_name y = dmx_emit(e, operator_name, in, bias != NULL ? 3 : 2);
    dmx_attribute_ints(e, "kernel_shape", w->kernel, 2);
    if (w->stride[0] != 1 || w->stride[1] != 1)
        dmx_attribute_ints(e, "strides", w->stride, 2);
    if (w->dilation[0] != 1 || w->dilation[1] != 1)
        dmx_attribute_ints(e, "dilations", w->dilation, 2);
    if (pads[0] != 0 || pads[1] != 0 || pads[2] != 0 || pads[3] != 0)
        dmx_attribute_ints(e, "pads", pads, 4);
    return y;
}
