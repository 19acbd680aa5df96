#include "onnx/emit_ops.h"

#include <string.h>

dmx_name dmx_emit_reshape(dmx_emitter *e, dmx_name x, const int64_t *dim,
                          size_t rank)
{
    return dmx_emit_2(e, "Reshape", x, dmx_constant_i64(e, dim, rank));
}

dmx_name dmx_emit_expand(dmx_emitter *e, dmx_name x, const int64_t *dim,
                         size_t rank)
{
    return dmx_emit_2(e, "Expand", x, dmx_constant_i64(e, dim, rank));
}

dmx_name dmx_emit_transpose(dmx_emitter *e, dmx_name x, const int64_t *order,
                            size_t rank)
{
    const dmx_name y = dmx_emit_1(e, "Transpose", x);
    dmx_attribute_ints(e, "perm", order, rank);
    return y;
}

dmx_name dmx_emit_slice(dmx_emitter *e, dmx_name x, int64_t axis, int64_t start,
                        int64_t end)
{
    const dmx_name in[] = {x, dmx_constant_i64(e, &start, 1),
                           dmx_constant_i64(e, &end, 1),
                           dmx_constant_i64(e, &axis, 1)};
    return dmx_emit(e, "Slice", in, 4);
}

dmx_name dmx_emit_concat(dmx_emitter *e, const dmx_name *x, size_t count,
                         int64_t axis)
{
    const dmx_name y = dmx_emit(e, "Concat", x, count);
    dmx_attribute_int(e, "axis", axis);
    return y;
}

dmx_name dmx_emit_pad(dmx_emitter *e, dmx_name x, size_t rank, int64_t axis,
                      int64_t before, int64_t after, bool reflect)
{
    int64_t pads[16] = {0};
    pads[axis] = before;
    pads[(int64_t)rank + axis] = after;
    const dmx_name y =
        dmx_emit_2(e, "Pad", x, dmx_constant_i64(e, pads, 2 * rank));
    if (reflect)
        dmx_attribute_text(e, "mode", "reflect");
    return y;
}

/* Reductions took their axes as an attribute until opset 18, but ReduceSum
 * until opset 13. */
dmx_name dmx_emit_reduce(dmx_emitter *e, const char *operator_name, dmx_name x,
                         int64_t axis)
{
    const bool by_attribute =
        strcmp(operator_name, "ReduceSum") != 0 && e->opset < 18;
    const dmx_name y = by_attribute ? dmx_emit_1(e, operator_name, x)
                                    : dmx_emit_2(e, operator_name, x,
                                                 dmx_constant_i64(e, &axis, 1));
    if (by_attribute)
        dmx_attribute_ints(e, "axes", &axis, 1);
    dmx_attribute_int(e, "keepdims", 1);
    return y;
}

dmx_name dmx_emit_add_scalar(dmx_emitter *e, dmx_name x, double value)
{
    return dmx_emit_2(e, "Add", x, dmx_constant_scalar(e, value));
}

dmx_name dmx_emit_mul_scalar(dmx_emitter *e, dmx_name x, double value)
{
    return dmx_emit_2(e, "Mul", x, dmx_constant_scalar(e, value));
}

/* The one spelling that runtimes recognise and fuse: a division by sqrt 2, not
 * a product with 1/sqrt 2, and the factor 0.5 last. */
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
