/* The shapes that operators make of their constant inputs' shapes. */
#include "runtime/growth_attribute.h"
#include "runtime/growth_fields.h"

#include <math.h>

static const dmx_growth_shape unknown;

static dmx_growth_shape shape(int rank)
{
    return (dmx_growth_shape){.known = rank <= DMX_GROWTH_RANK, .rank = rank};
}

/* A length, of whatever number; 2^62 is as good as more. */
static uint64_t whole(double x)
{
    return x >= 0x1p62 ? (uint64_t)1 << 62 : x > 0 ? (uint64_t)x : 0;
}

static uint64_t greater(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* --------------------------------------------------------------- operators */

static dmx_growth_shape of_numbers(const dmx_growth_shape *list)
{
    dmx_growth_shape s = shape(list->count);
    if (!list->listed || !s.known)
        return unknown;
    for (int i = 0; i < list->count; i++)
        s.dim[i] = whole(list->number[i]);
    return s;
}

static dmx_growth_shape broadcast(dmx_growth_shape a, dmx_growth_shape b)
{
    dmx_growth_shape s = shape(a.rank > b.rank ? a.rank : b.rank);
    if (!a.known || !b.known)
        return unknown;
    for (int i = 1; i <= s.rank; i++) {
        const uint64_t x = i <= a.rank ? a.dim[a.rank - i] : 1;
        const uint64_t y = i <= b.rank ? b.dim[b.rank - i] : 1;
        s.dim[s.rank - i] = greater(x, y);
    }
    return s;
}

static dmx_growth_shape broadcast_all(const dmx_growth_node *n)
{
    if (n->inputs < 1 || n->inputs > DMX_GROWTH_INPUTS)
        return unknown;
    dmx_growth_shape s = n->input[0];
    s.listed = false;
    for (size_t i = 1; i < n->inputs; i++)
        s = broadcast(s, n->input[i]);
    return s;
}

/* One axis more in front of a vector from the left, behind one from the right;
 * it stays there, which is as good. */
static dmx_growth_shape as_matrix(dmx_growth_shape s, bool left)
{
    if (!s.known || s.rank != 1)
        return s;
    s.rank = 2;
    s.dim[left] = s.dim[0];
    s.dim[!left] = 1;
    return s;
}

static dmx_growth_shape multiply(dmx_growth_shape a, dmx_growth_shape b)
{
    a = as_matrix(a, true);
    b = as_matrix(b, false);
    if (!a.known || !b.known || a.rank < 2 || b.rank < 2)
        return unknown;
    const uint64_t rows = a.dim[a.rank - 2], columns = b.dim[b.rank - 1];
    a.dim[a.rank - 2] = a.dim[a.rank - 1] = 1;
    b.dim[b.rank - 2] = b.dim[b.rank - 1] = 1;
    dmx_growth_shape s = broadcast(a, b);
    s.dim[s.rank - 2] = rows;
    s.dim[s.rank - 1] = columns;
    return s;
}

static dmx_growth_shape gemm(const dmx_growth_node *n)
{
    const dmx_growth_shape *a = &n->input[0], *b = &n->input[1];
    dmx_growth_shape s = shape(2);
    if (!a->known || !b->known || a->rank != 2 || b->rank != 2)
        return unknown;
    s.dim[0] = a->dim[dmx_growth_integer(n, "transA", 0) != 0];
    s.dim[1] = b->dim[dmx_growth_integer(n, "transB", 0) == 0];
    return s;
}

static dmx_growth_shape transpose(const dmx_growth_node *n)
{
    dmx_growth_shape s = n->input[0];
    const dmx_growth_shape perm = dmx_growth_list(n, "perm", DMX_GROWTH_INPUTS);
    for (int i = 0; s.known && i < s.rank; i++) {
        const int from =
            perm.listed
                ? (i < perm.count ? dmx_growth_axis(perm.number[i], s.rank)
                                  : -1)
                : s.rank - 1 - i;
        if (from < 0)
            return unknown;
        s.dim[i] = n->input[0].dim[from];
    }
    s.listed = s.listed && s.rank < 2;
    return s;
}

static dmx_growth_shape unsqueeze(const dmx_growth_node *n)
{
    const dmx_growth_shape *x = &n->input[0];
    const dmx_growth_shape axes = dmx_growth_list(n, "axes", 1);
    dmx_growth_shape s = shape(x->rank + axes.count);
    bool new[DMX_GROWTH_RANK] = {false};
    if (!x->known || !axes.listed || !s.known)
        return unknown;
    for (int i = 0; i < axes.count; i++) {
        const int at = dmx_growth_axis(axes.number[i], s.rank);
        if (at < 0 || new[at])
            return unknown;
        new[at] = true;
    }
    for (int i = 0, from = 0; i < s.rank; i++)
        s.dim[i] = new[i] ? 1 : x->dim[from++];
    return s;
}

static dmx_growth_shape squeeze(const dmx_growth_node *n)
{
    const dmx_growth_shape *x = &n->input[0];
    const dmx_growth_shape axes = dmx_growth_list(n, "axes", 1);
    dmx_growth_shape s = shape(0);
    bool drop[DMX_GROWTH_RANK] = {false};
    for (int i = 0; axes.listed && i < axes.count; i++) {
        const int at = dmx_growth_axis(axes.number[i], x->rank);
        if (at >= 0)
            drop[at] = true;
    }
    for (int i = 0; i < x->rank; i++)
        if (x->dim[i] != 1 || (axes.listed && !drop[i]))
            dmx_growth_add_dim(&s, x->dim[i]);
    return x->known ? s : unknown;
}

static dmx_growth_shape reshape(const dmx_growth_node *n)
{
    const dmx_growth_shape wanted = dmx_growth_list(n, "shape", 1);
    dmx_growth_shape s = of_numbers(&wanted);
    int open = -1;
    uint64_t others = 1;
    for (int i = 0; s.known && i < s.rank; i++) {
        if (wanted.number[i] == 0 && i < n->input[0].rank)
            s.dim[i] = n->input[0].dim[i];
        if (wanted.number[i] < 0)
            open = i;
        else
            others = dmx_growth_times(others, greater(s.dim[i], 1));
    }
    if (!n->input[0].known)
        return unknown;
    if (s.known && open >= 0)
        s.dim[open] = dmx_growth_elements(&n->input[0]) / others;
    return s;
}

static dmx_growth_shape concat(const dmx_growth_node *n)
{
    dmx_growth_shape s = n->input[0];
    if (n->inputs > DMX_GROWTH_INPUTS || !s.known)
        return unknown;
    const int axis =
        dmx_growth_axis((double)dmx_growth_integer(n, "axis", 0), s.rank);
    for (size_t i = 1; axis >= 0 && i < n->inputs; i++) {
        const dmx_growth_shape *x = &n->input[i];
        if (!x->known || x->rank != s.rank)
            return unknown;
        s.dim[axis] = dmx_growth_plus(s.dim[axis], x->dim[axis]);
        s.listed = s.listed && x->listed;
        for (int k = 0; s.listed && k < x->count; k++)
            dmx_growth_add_number(&s, x->number[k]);
    }
    s.listed = s.listed && s.rank == 1;
    return axis >= 0 ? s : unknown;
}

/* Each axis made longer: by repeats, scales, or what is put before and after.
 */
static dmx_growth_shape stretched(dmx_growth_shape s,
                                  const dmx_growth_shape *by, bool pads)
{
    const int count = pads ? 2 * s.rank : s.rank;
    s.listed = false;
    if (!s.known || !by->listed || by->count != count)
        return unknown;
    for (int i = 0; i < s.rank; i++) {
        const double more = pads ? by->number[i] + by->number[s.rank + i] : 0;
        const double n = pads ? (double)s.dim[i] + more
                              : floor((double)s.dim[i] * by->number[i]);
        s.dim[i] = whole(n);
    }
    return s;
}

static dmx_growth_shape resize(const dmx_growth_node *n)
{
    const dmx_growth_shape sizes = n->inputs > 3 ? n->input[3] : unknown;
    if (sizes.listed && sizes.count > 0)
        return of_numbers(&sizes);
    return stretched(n->input[0], &n->input[n->inputs > 2 ? 2 : 1], false);
}

static dmx_growth_shape gather(const dmx_growth_node *n)
{
    const dmx_growth_shape *x = &n->input[0], *at = &n->input[1];
    const int axis =
        x->known
            ? dmx_growth_axis((double)dmx_growth_integer(n, "axis", 0), x->rank)
            : -1;
    dmx_growth_shape s = shape(0);
    if (axis < 0 || !at->known)
        return unknown;
    for (int i = 0; i < x->rank; i++)
        for (int k = 0; k < (i == axis ? at->rank : 1); k++)
            dmx_growth_add_dim(&s, i == axis ? at->dim[k] : x->dim[i]);
    return s;
}

static dmx_growth_shape one_hot(const dmx_growth_node *n)
{
    dmx_growth_shape s = n->input[0];
    s.listed = false;
    if (!s.known || !n->input[1].listed || n->input[1].count < 1)
        return unknown;
    dmx_growth_add_dim(&s, whole(n->input[1].number[0]));
    return s;
}

static dmx_growth_shape range(const dmx_growth_node *n)
{
    dmx_growth_shape s = shape(1);
    for (int i = 0; i < 3; i++)
        if (!n->input[i].listed || n->input[i].count != 1)
            return unknown;
    const double steps = ceil((n->input[1].number[0] - n->input[0].number[0]) /
                              n->input[2].number[0]);
    s.dim[0] = whole(steps);
    return s;
}

static dmx_growth_shape constant(const dmx_growth_node *n)
{
    dmx_wire_span s;
    dmx_wire_field f;
    if (dmx_growth_find_attribute(&s, n->fields, "value_ints")) {
        dmx_growth_shape numbers =
            dmx_growth_list(n, "value_ints", DMX_GROWTH_INPUTS);
        numbers.known = true;
        numbers.rank = 1;
        numbers.dim[0] = (uint64_t)numbers.count;
        return numbers.listed ? numbers : unknown;
    }
    if (dmx_growth_find_attribute(&s, n->fields, "value_int"))
        return (dmx_growth_shape){
            .known = true,
            .listed = true,
            .count = 1,
            .number = {(double)dmx_growth_integer(n, "value_int", 0)}};
    if (dmx_growth_find_attribute(&s, n->fields, "value"))
        while (dmx_wire_next(&f, &s))
            if (f.number == ATTRIBUTE_TENSOR)
                return dmx_growth_shape_tensor(f.span);
    return unknown;
}

static dmx_growth_shape same(const dmx_growth_node *n)
{
    return n->input[0];
}

static dmx_growth_shape same_size(const dmx_growth_node *n)
{
    dmx_growth_shape s = n->input[0];
    s.listed = false;
    return s;
}

static dmx_growth_shape matmul(const dmx_growth_node *n)
{
    return multiply(n->input[0], n->input[1]);
}

static dmx_growth_shape qlinear_matmul(const dmx_growth_node *n)
{
    return multiply(n->input[0], n->input[3]);
}

static dmx_growth_shape constant_of_shape(const dmx_growth_node *n)
{
    return of_numbers(&n->input[0]);
}

static dmx_growth_shape expand(const dmx_growth_node *n)
{
    return broadcast(n->input[0], of_numbers(&n->input[1]));
}

static dmx_growth_shape tile(const dmx_growth_node *n)
{
    return stretched(n->input[0], &n->input[1], false);
}

static dmx_growth_shape pad(const dmx_growth_node *n)
{
    const dmx_growth_shape pads = dmx_growth_list(n, "pads", 1);
    return stretched(n->input[0], &pads, true);
}

/* Reductions leave axes out, or with keepdims (the default) make them 1. */
static dmx_growth_shape reduce(const dmx_growth_node *n)
{
    return dmx_growth_integer(n, "keepdims", 1) != 0 ? same_size(n) : unknown;
}

/* ------------------------------------------------------------------- table */

static const struct {
    dmx_growth_shape (*of)(const dmx_growth_node *);
    const char *names; /* between blanks */
} rules[] = {
    {same, " Identity Cast CastLike "},
    {same_size,
     " Abs Acos Acosh Asin Asinh Atan Atanh BitwiseNot Ceil Celu Clip Cos Cosh "
     "CumSum DequantizeLinear Dropout Elu Erf Exp Floor Gelu HardSigmoid "
     "HardSwish Hardmax IsInf IsNaN LayerNormalization LeakyRelu Log "
     "LogSoftmax LpNormalization Mish Neg Not QuantizeLinear Reciprocal Relu "
     "ReverseSequence Round ScatterElements ScatterND Selu Sigmoid Sign Sin "
     "Sinh Slice Softmax Softplus Softsign Sqrt Tan Tanh ThresholdedRelu "
     "Trilu "},
    {broadcast_all,
     " Add And BitShift BitwiseAnd BitwiseOr BitwiseXor Div Equal Greater "
     "GreaterOrEqual Less LessOrEqual Max Mean Min Mod Mul Or PRelu Pow Sub "
     "Sum Where Xor "},
    {reduce,
     " ArgMax ArgMin ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax "
     "ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare "},
    {matmul, " MatMul MatMulInteger "},
    {qlinear_matmul, " QLinearMatMul "},
    {gemm, " Gemm "},
    {transpose, " Transpose "},
    {unsqueeze, " Unsqueeze "},
    {squeeze, " Squeeze "},
    {reshape, " Reshape "},
    {concat, " Concat "},
    {constant, " Constant "},
    {constant_of_shape, " ConstantOfShape "},
    {expand, " Expand "},
    {tile, " Tile "},
    {pad, " Pad "},
    {resize, " Resize Upsample "},
    {gather, " Gather "},
    {one_hot, " OneHot "},
    {range, " Range "},
};

/* Whether the type is one of the names. */
static bool among(const char *names, dmx_wire_span type)
{
    const size_t n = (size_t)(type.end - type.at);
    while (*names != '\0') {
        const size_t length = strcspn(++names, " ");
        if (length == n && n > 0 && memcmp(names, type.at, n) == 0)
            return true;
        names += length;
    }
    return false;
}

dmx_growth_shape dmx_growth_shape_of(const dmx_growth_node *n)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (among(rules[i].names, n->type))
            return rules[i].of(n);
    return unknown;
}
