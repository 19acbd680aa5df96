#include "arch/layers.h"

#include <stdio.h>

#define EPSILON 1e-5 /* torch.nn.GroupNorm's default */

dmx_value dmx_layer_conv(dmx_builder *b, const char *path, dmx_value x,
                         int64_t chin, int64_t chout, const int64_t kernel[2],
                         bool two_d, dmx_conv_geometry geometry)
{
    const int64_t dim2[] = {chout, chin, kernel[0], kernel[1]};
    const int64_t dim1[] = {chout, chin, kernel[1]};
    const dmx_tensor *weight = dmx_weights_get(
        b->w, path, "weight", two_d ? 4 : 3, two_d ? dim2 : dim1);
    const dmx_tensor *bias = dmx_weights_vector(b->w, path, "bias", chout);
    return dmx_graph_conv(b->g, path, x, weight, bias, geometry);
}

dmx_value dmx_layer_norm_groups(dmx_builder *b, const char *path, dmx_value x,
                                int64_t channels, int64_t groups)
{
    if (groups == 0)
        return x;
    const dmx_tensor *weight =
        dmx_weights_vector(b->w, path, "weight", channels);
    const dmx_tensor *bias = dmx_weights_vector(b->w, path, "bias", channels);
    return dmx_graph_group_norm(b->g, path, x, weight, bias, groups,
                                DMX_ROWS_TOGETHER, EPSILON);
}

static dmx_value dconv(dmx_builder *b, const char *path, dmx_value x,
                       int64_t channels, const dmx_layer_config *c)
{
    DMX_CHILD(p, path, "dconv");
    return dmx_dconv(b, p, x, channels, &c->dconv_config);
}

/* Conv with context, norm, GLU: the "rewrite" of both layers. */
static dmx_value rewrite(dmx_builder *b, const char *path,
                         const dmx_layer_config *c, dmx_value x,
                         int64_t channels, bool rows, int norm)
{
    const int64_t k = 1 + 2 * c->context, pad = c->context;
    const int64_t kernel[] = {rows ? k : 1, k};
    const int64_t row_pad = rows ? pad : 0;
    const dmx_conv_geometry around = {
        .padding = {{row_pad, row_pad}, {pad, pad}}};
    DMX_CHILD(p, path, "rewrite");
    DMX_CHILD_INDEX(n, path, "norm", norm);
    x = dmx_layer_conv(b, p, x, channels, 2 * channels, kernel, c->freq,
                       around);
    x = dmx_layer_norm_groups(b, n, x, 2 * channels, c->norm_groups);
    return dmx_graph_activation(b->g, path, DMX_OP_GLU, x);
}

/* The strided convolution; over time the length is first padded to a multiple
 * of the stride. */
static dmx_value strided_conv(dmx_builder *b, const char *path,
                              const dmx_layer_config *c, dmx_value x)
{
    const int axis = c->freq ? 0 : 1;
    dmx_conv_geometry geometry = {.stride = {1, 1}};
    int64_t kernel[2] = {1, 1};
    DMX_CHILD(p, path, "conv");
    kernel[axis] = c->kernel;
    geometry.stride[axis] = c->stride;
    geometry.padding[axis][0] = geometry.padding[axis][1] = c->pad;
    if (!c->freq)
        x = dmx_graph_pad_to(b->g, path, x, c->stride);
    return dmx_layer_conv(b, p, x, c->chin, c->chout, kernel, c->freq,
                          geometry);
}

/* x.view(B, -1, T): rows become channels. */
static dmx_value fold_rows(dmx_builder *b, const char *path, dmx_value x)
{
    const dmx_shape s = dmx_graph_shape(b->g, x);
    if (s.rank != 3 || s.dim[1] == 1)
        return x;
    const dmx_shape flat = {3, {s.dim[0] * s.dim[1], 1, DMX_ANY}};
    return dmx_graph_reshape(b->g, path, x, flat);
}

dmx_value dmx_encoder_layer(dmx_builder *b, const char *path,
                            const dmx_layer_config *c, dmx_value x,
                            dmx_value inject)
{
    if (!c->freq)
        x = fold_rows(b, path, x);
    dmx_value y = strided_conv(b, path, c, x);
    if (c->empty)
        return y;
    if (inject != DMX_NO_VALUE)
        y = dmx_graph_add(b->g, path, y, inject, 1.0);
    DMX_CHILD(n, path, "norm1");
    y = dmx_layer_norm_groups(b, n, y, c->chout, c->norm_groups);
    y = dmx_graph_activation(b->g, path, DMX_OP_GELU, y);
    if (c->dconv)
        y = dconv(b, path, y, c->chout, c);
    return c->rewrite ? rewrite(b, path, c, y, c->chout, c->freq, 2) : y;
}

dmx_value dmx_decoder_transposed(dmx_builder *b, const char *path,
                                 const dmx_layer_config *c, dmx_value x)
{
    const int64_t dim2[] = {c->chin, c->chout, c->kernel, 1};
    const int64_t dim1[] = {c->chin, c->chout, c->kernel};
    dmx_conv_geometry geometry = {.stride = {1, 1}};
    DMX_CHILD(p, path, "conv_tr");
    DMX_CHILD(n, path, "norm2");
    geometry.stride[c->freq ? 0 : 1] = c->stride;
    const dmx_tensor *weight = dmx_weights_get(
        b->w, p, "weight", c->freq ? 4 : 3, c->freq ? dim2 : dim1);
    const dmx_tensor *bias = dmx_weights_vector(b->w, p, "bias", c->chout);
    x = dmx_graph_conv_transpose(b->g, p, x, weight, bias, geometry);
    return dmx_layer_norm_groups(b, n, x, c->chout, c->norm_groups);
}

/* If x is zero, x + skip is just the skip. */
dmx_value dmx_decoder_sum(dmx_builder *b, const char *path, dmx_value x,
                          dmx_value skip)
{
    return x == DMX_NO_VALUE ? skip : dmx_graph_add(b->g, path, x, skip, 1.0);
}

dmx_value dmx_decoder_rewrite(dmx_builder *b, const char *path,
                              const dmx_layer_config *c, dmx_value x)
{
    if (c->rewrite)
        x = rewrite(b, path, c, x, c->chin, c->freq && c->context_freq, 1);
    return c->dconv ? dconv(b, path, x, c->chin, c) : x;
}

/* A time-only signal [C*F][1][T] as rows again, where the layer wants rows. */
static dmx_value unfold_rows(dmx_builder *b, const char *path,
                             const dmx_layer_config *c, dmx_value x)
{
    const dmx_shape s = dmx_graph_shape(b->g, x);
    if (!c->freq || s.rank != 3 || s.dim[0] == c->chin || c->chin == 0 ||
        s.dim[0] % c->chin != 0)
        return x;
    const dmx_shape rows = {3,
                            {c->chin, s.dim[0] / c->chin * s.dim[1], DMX_ANY}};
    return dmx_graph_reshape(b->g, path, x, rows);
}

dmx_value dmx_decoder_layer(dmx_builder *b, const char *path,
                            const dmx_layer_config *c, dmx_value x,
                            dmx_value skip, dmx_length length, dmx_value *pre)
{
    if (x != DMX_NO_VALUE)
        x = unfold_rows(b, path, c, x);
    if (!c->empty)
        x = dmx_decoder_rewrite(b, path, c, dmx_decoder_sum(b, path, x, skip));
    if (pre != NULL)
        *pre = x;
    x = dmx_decoder_transposed(b, path, c, x);
    const int64_t rows = dmx_graph_shape(b->g, x).dim[1];
    if (!c->freq)
        x = dmx_graph_crop_to(b->g, path, x, c->pad, length);
    else if (c->pad > 0)
        x = dmx_graph_crop(b->g, path, x, 1, c->pad, rows - 2 * c->pad);
    return c->last ? x : dmx_graph_activation(b->g, path, DMX_OP_GELU, x);
}
