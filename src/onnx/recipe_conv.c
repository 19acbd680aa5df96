/* Convolutions over frequency and time, and what can be merged with them. */
#include "onnx/emit_weights.h"
#include "onnx/walk.h"

#include <stdio.h>

/* Whether the input of a convolution over time may be padded to a multiple of
 * its stride, or by one less: zeros that never complete a window change
 * nothing. */
static bool ignores_incomplete_windows(const dmx_node *conv)
{
    const dmx_conv_geometry *c = &conv->at.conv;
    const int64_t reach = c->dilation[1] * (c->kernel[1] - 1) + 1;
    return (c->padding[1][0] + c->padding[1][1] - reach) % c->stride[1] == 0;
}

/* Padding by an amount that depends on the input's length. */
static void pad_free(dmx_walk *w, const dmx_node *n, const dmx_node *conv)
{
    dmx_emitter *e = &w->e;
    const dmx_name x = dmx_walk_in(w, n, 0);
    const dmx_extent from = dmx_walk_dim(w, n->in[0])[2];
    const dmx_extent to = dmx_walk_dim(w, n->out[0])[2];
    const int64_t step = conv != NULL ? conv->at.conv.stride[1] : 0;
    const int64_t two = 2;
    if (step > 0 && n->at.fit == DMX_FIT_END &&
        ignores_incomplete_windows(conv) &&
        to == dmx_extent_times(e, dmx_extent_ceil(e, from, step), step)) {
        dmx_walk_set(w, n, x);
        w->value[n->out[0]].padding[1][1] = step - 1;
    } else if (n->at.fit == DMX_FIT_END) {
        dmx_walk_set(w, n, dmx_emit_pad_to(e, x, 4, 3, from, to));
    } else {
        const dmx_name all = dmx_extent_missing(e, to, from);
        const dmx_name before =
            dmx_integer_op(e, "Div", all, dmx_constant_i64(e, &two, 1));
        const dmx_name after = dmx_integer_op(e, "Sub", all, before);
        dmx_walk_set(
            w, n,
            dmx_emit_pad_names(e, x, 4, 3, before, after, to, DMX_PAD_ZEROS));
    }
}

/* Padding before a convolution becomes the convolution's own. */
void dmx_recipe_pad(dmx_walk *w, const dmx_node *n)
{
    const int axis = n->at.axis;
    const dmx_node *next = dmx_next_op(&w->a, n, DMX_OP_CONV);
    const dmx_node *conv =
        next != NULL && !dmx_is_point_conv(next) ? next : NULL;
    if (n->at.before == DMX_ANY || n->at.after == DMX_ANY) {
        pad_free(w, n, conv);
        return;
    }
    const dmx_name x = dmx_walk_in(w, n, 0);
    if (axis > 0 && conv != NULL) {
        dmx_walk_set(w, n, x);
        dmx_emitted *out = &w->value[n->out[0]];
        out->padding[axis - 1][0] = n->at.before;
        out->padding[axis - 1][1] = n->at.after;
        return;
    }
    dmx_walk_set(w, n,
                 dmx_emit_pad(&w->e, x, 4, axis + 1, n->at.before, n->at.after,
                              DMX_PAD_ZEROS));
}

static dmx_name bias_rows(dmx_emitter *e, const dmx_tensor *bias, int64_t first,
                          int64_t count)
{
    if (bias == NULL)
        return NULL;
    const dmx_tensor rows = dmx_tensor_slice(bias, 0, first, count);
    return dmx_weight_vector(e, &rows, 1.0, &count, 1);
}

/* Rows [first, first + count) of a convolution's output. */
static dmx_name conv_rows(dmx_walk *w, const dmx_node *n, int64_t first,
                          int64_t count, const char *suffix)
{
    dmx_conv_geometry c = n->at.conv;
    const dmx_emitted *x = &w->value[n->in[0]];
    for (int k = 0; k < 2; k++)
        for (int s = 0; s < 2; s++)
            c.padding[k][s] += x->padding[k][s];
    const dmx_name weight = dmx_weight_rows(&w->e, dmx_weight_of(n), first,
                                            count, suffix, n->at.conv.kernel);
    const dmx_name bias = bias_rows(&w->e, dmx_bias_of(n), first, count);
    return dmx_emit_conv(&w->e, "Conv", dmx_walk_in(w, n, 0), weight, bias, &c);
}

/* conv -> GLU as two convolutions: this avoids the tensor of twice the channels
 * and the split, and the sigmoid is fused with the second one. */
static bool conv_glu(dmx_walk *w, const dmx_node *n)
{
    const dmx_node *glu = dmx_next_op(&w->a, n, DMX_OP_GLU);
    if (glu == NULL)
        return false;
    const int64_t half = dmx_weight_of(n)->dim[0] / 2;
    const dmx_name value = conv_rows(w, n, 0, half, ".value");
    const dmx_name gate =
        dmx_emit_1(&w->e, "Sigmoid", conv_rows(w, n, half, half, ".gate"));
    w->e.path = glu->path;
    dmx_walk_set(w, glu, dmx_emit_2(&w->e, "Mul", value, gate));
    dmx_walk_skip(w, n);
    return true;
}

void dmx_recipe_conv(dmx_walk *w, const dmx_node *n)
{
    if ((dmx_is_point_conv(n) && dmx_recipe_folded_norm(w, n)) ||
        conv_glu(w, n))
        return;
    dmx_walk_set(w, n, conv_rows(w, n, 0, dmx_weight_of(n)->dim[0], ""));
}

/* The axis (0 frequency, 1 time) along which a transposed convolution can be a
 * pixel shuffle, or -1: the kernel must be a multiple of the stride, along one
 * axis only. */
static int shuffle_axis(const dmx_node *n)
{
    const dmx_attributes *at = &n->at;
    for (int k = 0; k < 2; k++)
        if (at->conv.stride[k] > 1 &&
            at->conv.kernel[k] % at->conv.stride[k] == 0 &&
            at->conv.kernel[1 - k] == 1 && at->conv.stride[1 - k] == 1)
            return k;
    return -1;
}

/* [Ci][Co][k] with k = taps * s as [Co * s][Ci][taps]: phase p of the output
 * at place i is the sum over j of x[i - j] w[p + j s], tap taps - 1 - j. */
static float *shuffle_kernel(dmx_emitter *e, const dmx_tensor *weight,
                             int64_t s, int64_t taps)
{
    const int64_t ci = weight->dim[0], co = weight->dim[1], k = taps * s;
    float *w = dmx_weight_floats(e, weight);
    float *out = dmx_emitter_buffer(e, (size_t)(ci * co * k), sizeof *out);
    if (w == NULL || out == NULL)
        return NULL;
    for (int64_t c = 0; c < co; c++)
        for (int64_t p = 0; p < s; p++)
            for (int64_t i = 0; i < ci; i++)
                for (int64_t j = 0; j < taps; j++)
                    out[((c * s + p) * ci + i) * taps + taps - 1 - j] =
                        w[(i * co + c) * k + p + j * s];
    dmx_emitter_drop_buffer(e, w);
    return out;
}

static dmx_name shuffle_bias(dmx_emitter *e, const dmx_tensor *bias, int64_t s)
{
    if (bias == NULL)
        return NULL;
    const int64_t co = bias->dim[0], dim = co * s;
    double *b = dmx_weight_doubles(e, bias);
    double *out = dmx_emitter_buffer(e, (size_t)dim, sizeof *out);
    if (b == NULL || out == NULL)
        return "";
    for (int64_t i = 0; i < dim; i++)
        out[i] = b[i / s];
    return dmx_constant_f64(e, bias->name, out, &dim, 1);
}

/* The convolution that computes all phases: [1, Co * s, F, T], longer than the
 * input by one position for each tap but the first. */
static dmx_name shuffle_conv(dmx_walk *w, const dmx_node *n, int axis)
{
    const int64_t s = n->at.conv.stride[axis],
                  taps = n->at.conv.kernel[axis] / s;
    const int64_t co = dmx_weight_of(n)->dim[1], ci = dmx_weight_of(n)->dim[0];
    int64_t dim[] = {co * s, ci, 1, 1};
    dmx_conv_geometry c = dmx_conv_point();
    dim[2 + axis] = c.kernel[axis] = taps;
    c.padding[axis][0] = c.padding[axis][1] = taps - 1;
    const dmx_name weight = dmx_weight_constant(
        &w->e, dmx_weight_of(n)->name,
        shuffle_kernel(&w->e, dmx_weight_of(n), s, taps), dim, 4);
    const dmx_name bias = shuffle_bias(&w->e, dmx_bias_of(n), s);
    return dmx_emit_conv(&w->e, "Conv", dmx_walk_in(w, n, 0), weight, bias, &c);
}

/* conv_transpose as convolution and pixel shuffle. */
static dmx_name shuffle(dmx_walk *w, const dmx_node *n, int axis)
{
    dmx_emitter *e = &w->e;
    const dmx_extent *in = dmx_walk_dim(w, n->in[0]);
    const dmx_extent *out = dmx_walk_dim(w, n->out[0]);
    const int64_t s = n->at.conv.stride[axis];
    const dmx_extent places = dmx_extent_divide(e, out[1 + axis], s);
    const dmx_extent all = dmx_extent_times(e, e->batch, out[0]);
    dmx_name y = shuffle_conv(w, n, axis);
    if (axis == 0) {
        y = dmx_emit_reshape(e, y, DMX_DIMS(all, s, places, in[2]));
        y = dmx_emit_transpose(e, y, DMX_DIMS(0, 2, 1, 3));
    } else if (in[1] == 1) {
        y = dmx_emit_reshape(e, y, DMX_DIMS(all, s, places));
        y = dmx_emit_transpose(e, y, DMX_DIMS(0, 2, 1));
    } else {
        y = dmx_emit_reshape(e, y, DMX_DIMS(all, s, in[1], places));
        y = dmx_emit_transpose(e, y, DMX_DIMS(0, 2, 3, 1));
    }
    return dmx_emit_reshape(e, y, DMX_DIMS(e->batch, out[0], out[1], out[2]));
}

/* A ConvTranspose whose padding replaces the crop after it. */
static dmx_name plain_transpose(dmx_walk *w, const dmx_node *n,
                                const dmx_node *crop)
{
    const dmx_extent *full = dmx_walk_dim(w, n->out[0]);
    const int64_t dim[] = {dmx_weight_of(n)->dim[0], dmx_weight_of(n)->dim[1],
                           n->at.conv.kernel[0], n->at.conv.kernel[1]};
    dmx_conv_geometry c = n->at.conv;
    if (crop != NULL) {
        const int k = crop->at.axis - 1;
        c.padding[k][0] = crop->at.start;
        c.padding[k][1] = full[k + 1] - crop->at.start - crop->at.length;
    }
    const dmx_name weight = dmx_weight_as_is(&w->e, dmx_weight_of(n), dim, 4);
    const dmx_name bias = bias_rows(&w->e, dmx_bias_of(n), 0, dim[1]);
    return dmx_emit_conv(&w->e, "ConvTranspose", dmx_walk_in(w, n, 0), weight,
                         bias, &c);
}

void dmx_recipe_conv_transpose(dmx_walk *w, const dmx_node *n)
{
    const int axis = shuffle_axis(n);
    const dmx_node *crop = dmx_next_op(&w->a, n, DMX_OP_CROP);
    if (crop != NULL && (crop->at.axis == 0 || crop->at.start == DMX_ANY ||
                         crop->at.length == DMX_ANY))
        crop = NULL;
    if (axis >= 0) {
        dmx_walk_set(w, n, shuffle(w, n, axis));
    } else if (crop != NULL) {
        dmx_walk_skip(w, n);
        dmx_walk_set(w, crop, plain_transpose(w, n, crop));
    } else {
        dmx_walk_set(w, n, plain_transpose(w, n, NULL));
    }
}
