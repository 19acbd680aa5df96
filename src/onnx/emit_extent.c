#include "onnx/emit_extent.h"

#include "onnx/emit_shape.h"

#include <stdio.h>
#include <string.h>

/* ---- nodes made once ----------------------------------------------------- */
/* The value that an expression was emitted as, or NULL. */
static dmx_name known(const dmx_emitter *e, const char *text)
{
    for (size_t i = 0; i < e->n_shared; i++)
        if (strcmp(e->shared[i].text, text) == 0)
            return e->shared[i].name;
    return NULL;
}

static dmx_name remember(dmx_emitter *e, const char *text, dmx_name name)
{
    if (dmx_emitter_failed(e))
        return "";
    char *copy = dmx_emitter_text(e, text);
    if (copy == NULL)
        return "";
    if (!dmx_grow(&e->shared, &e->shared_capacity, e->n_shared + 1,
                  sizeof *e->shared))
        return dmx_emitter_fail(e, DMX_ERROR_MEMORY,
                                "no memory for the ONNX graph");
    e->shared[e->n_shared++] = (dmx_shared_name){copy, name};
    return name;
}

/* Shared nodes belong to no module. */
static const char *enter(dmx_emitter *e)
{
    const char *path = e->path;
    e->path = "shape";
    return path;
}

static dmx_name integer(dmx_emitter *e, int64_t value)
{
    return dmx_constant_i64(e, &value, 1);
}

dmx_name dmx_integer_op(dmx_emitter *e, const char *operator_name, dmx_name a,
                        dmx_name b)
{
    char text[700];
    snprintf(text, sizeof text, "%s(%.300s,%.300s)", operator_name, a, b);
    const dmx_name old = known(e, text);
    if (old != NULL)
        return old;
    const char *path = enter(e);
    const dmx_name y = dmx_emit_2(e, operator_name, a, b);
    e->path = path;
    return remember(e, text, y);
}

dmx_name dmx_integer_vector(dmx_emitter *e, const dmx_name *part, size_t count)
{
    char text[1200] = "";
    size_t used = 0;
    for (size_t i = 0; i < count && used < sizeof text; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "[%.140s]",
                                 part[i]);
    const dmx_name old = known(e, text);
    if (old != NULL || count == 1)
        return count == 1 ? part[0] : old;
    const char *path = enter(e);
    const dmx_name y = dmx_emit(e, "Concat", part, count);
    dmx_attribute_int(e, "axis", 0);
    e->path = path;
    return remember(e, text, y);
}

/* Dimension `axis` of the input. */
static dmx_name input_dim(dmx_emitter *e, const char *text, int64_t axis)
{
    const dmx_name old = known(e, text);
    if (old != NULL || e->input == NULL)
        return old != NULL ? old : "";
    const char *path = enter(e);
    dmx_name shape = known(e, "shape");
    if (shape == NULL)
        shape = remember(e, "shape", dmx_emit_1(e, "Shape", e->input->name));
    const dmx_extent one = 1;
    const dmx_name in[] = {shape, integer(e, axis), integer(e, axis + 1),
                           integer(e, 0)};
    (void)dmx_emit(e, "Slice", in, 4);
    const dmx_name y = dmx_emitter_shaped(e, &one, 1);
    e->path = path;
    return remember(e, text, y);
}

static dmx_name with(dmx_emitter *e, const char *operator_name, dmx_name a,
                     int64_t b, int64_t neutral)
{
    return b == neutral ? a
                        : dmx_integer_op(e, operator_name, a, integer(e, b));
}

static dmx_name length_operand(dmx_emitter *e, dmx_length a)
{
    if (dmx_length_is_fixed(a))
        return integer(e, a.plus);
    dmx_name y = input_dim(e, "samples", 2);
    y = with(e, "Add", y, a.shift + a.over - 1, 0);
    y = with(e, "Div", y, a.over, 1);
    y = with(e, "Max", y, a.least, 1);
    y = with(e, "Mul", y, a.times, 1);
    return with(e, "Add", y, a.plus, 0);
}

dmx_name dmx_extent_operand(dmx_emitter *e, dmx_extent x)
{
    const dmx_free_extent r = dmx_extent_rule(e, x);
    if (dmx_emitter_failed(e))
        return "";
    if (!r.batch)
        return length_operand(e, r.length);
    const dmx_name batch = input_dim(e, "batch", 0);
    return dmx_length_is_fixed(r.length)
               ? with(e, "Mul", batch, r.length.plus, 1)
               : dmx_integer_op(e, "Mul", batch, length_operand(e, r.length));
}

/* operator(a) with one operand, emitted once. */
static dmx_name once(dmx_emitter *e, const char *operator_name, dmx_name a)
{
    char text[400];
    snprintf(text, sizeof text, "%s(%.300s)", operator_name, a);
    const dmx_name old = known(e, text);
    if (old != NULL)
        return old;
    const char *path = enter(e);
    const dmx_name y = dmx_emit_1(e, operator_name, a);
    if (strcmp(operator_name, "Cast") == 0)
        dmx_attribute_int(e, "to", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
    e->path = path;
    return remember(e, text, y);
}

dmx_name dmx_extent_float(dmx_emitter *e, dmx_extent x)
{
    if (!dmx_extent_is_free(x))
        return dmx_constant_scalar(e, (double)x);
    return once(e, "Cast", dmx_extent_operand(e, x));
}

dmx_name dmx_extent_missing(dmx_emitter *e, dmx_extent to, dmx_extent from)
{
    if (!dmx_extent_is_free(to) && !dmx_extent_is_free(from))
        return integer(e, to > from ? to - from : 0);
    const dmx_name less = dmx_extent_operand(e, from);
    const dmx_name rest =
        dmx_integer_op(e, "Sub", dmx_extent_operand(e, to), less);
    return dmx_integer_op(e, "Max", rest, integer(e, 0));
}

dmx_name dmx_extent_count(dmx_emitter *e, dmx_extent x)
{
    char text[400];
    const dmx_name n = dmx_extent_operand(e, x);
    snprintf(text, sizeof text, "count(%.300s)", n);
    const dmx_name old = known(e, text);
    if (old != NULL)
        return old;
    const char *path = enter(e);
    const dmx_name in[] = {dmx_constant_integer(e, 0),
                           dmx_emit_2(e, "Squeeze", n, integer(e, 0)),
                           dmx_constant_integer(e, 1)};
    (void)dmx_emit(e, "Range", in, 3);
    const dmx_name y = dmx_emitter_shaped(e, &x, 1);
    e->path = path;
    return remember(e, text, y);
}

dmx_name dmx_extent_ramp(dmx_emitter *e, dmx_extent x)
{
    char text[400];
    const dmx_name n = dmx_extent_operand(e, x);
    snprintf(text, sizeof text, "ramp(%.300s)", n);
    const dmx_name old = known(e, text);
    if (old != NULL)
        return old;
    const dmx_name count = dmx_extent_count(e, x);
    const char *path = enter(e);
    const dmx_name column = dmx_constant_i64(e, (const int64_t[]){-1, 1}, 2);
    (void)dmx_emit_2(e, "Reshape", once(e, "Cast", count), column);
    const dmx_name y = dmx_emitter_shaped(e, (const dmx_extent[]){x, 1}, 2);
    e->path = path;
    return remember(e, text, y);
}
