/* MultiWrap of demucs/hdemucs.py: a separate layer for each band of rows.
 * Python's round() goes half to even, as nearbyint does. */
#include "arch/layers.h"

#include <math.h>
#include <stdio.h>

static int64_t rounded(double value)
{
    return (int64_t)nearbyint(value);
}

static void band_path(char out[256], const char *path, int64_t index)
{
    snprintf(out, 256, "%.200s.layers.%lld", path, (long long)index);
}

/* Where an encoder band ends: a whole number of frames fits; the last band
 * takes the rest. */
static int64_t encoder_limit(const dmx_layer_config *c, int64_t rows,
                             int64_t start, double ratio)
{
    const int64_t pad = c->kernel / 4, first = start == 0 ? pad : 0;
    const int64_t length = rounded((double)rows * ratio) - start + first;
    const int64_t frames =
        rounded((double)(length - c->kernel) / (double)c->stride + 1.0);
    return start + (frames - 1) * c->stride + c->kernel - first;
}

dmx_value dmx_encoder_bands(dmx_builder *b, const char *path,
                            const dmx_layer_config *c, const double *ratio,
                            int64_t n_ratio, dmx_value x)
{
    const int64_t rows = dmx_graph_shape(b->g, x).dim[1];
    const int64_t pad = c->kernel / 4;
    dmx_layer_config band = *c;
    dmx_value out[DMX_LAYER_MAX_BANDS];
    int64_t start = 0;
    band.pad = 0;
    for (int64_t i = 0; i <= n_ratio && i < DMX_LAYER_MAX_BANDS; i++) {
        const bool last = i == n_ratio;
        const int64_t limit =
            last ? rows : encoder_limit(c, rows, start, ratio[i]);
        char child[256];
        band_path(child, path, i);
        dmx_value y = dmx_graph_crop(b->g, path, x, 1, start, limit - start);
        if (start == 0 || last)
            y = dmx_graph_pad(b->g, path, y, 1, start == 0 ? pad : 0,
                              last ? pad : 0);
        out[i] = dmx_encoder_layer(b, child, &band, y, DMX_NO_VALUE);
        start = limit - c->kernel + c->stride;
    }
    return dmx_graph_concat(b->g, path, out, (int)n_ratio + 1, 1);
}

/* One band through its decoder layer, uncropped and without GELU. */
static dmx_value decoder_band(dmx_builder *b, const char *path, int64_t index,
                              const dmx_layer_config *c, const dmx_value in[2],
                              int64_t start, int64_t limit)
{
    char child[256];
    band_path(child, path, index);
    const dmx_value x =
        in[0] == DMX_NO_VALUE
            ? in[0]
            : dmx_graph_crop(b->g, path, in[0], 1, start, limit - start);
    const dmx_value skip =
        dmx_graph_crop(b->g, path, in[1], 1, start, limit - start);
    return dmx_decoder_layer(b, child, c, x, skip, dmx_length_fixed(0), NULL);
}

/* The last `stride` rows of `previous` overlap the first of `next`: their sum
 * carries one bias, not two. */
static void join_bands(dmx_builder *b, const char *path, int64_t index,
                       const dmx_layer_config *c, dmx_value *previous,
                       dmx_value *next)
{
    char child[256], name[280];
    const int64_t s = c->stride;
    const int64_t before = dmx_graph_shape(b->g, *previous).dim[1];
    const int64_t after = dmx_graph_shape(b->g, *next).dim[1];
    band_path(child, path, index);
    snprintf(name, sizeof name, "%s.conv_tr", child);
    dmx_value lap = dmx_graph_crop(b->g, path, *next, 1, 0, s);
    lap =
        dmx_graph_bias(b->g, path, lap,
                       dmx_weights_vector(b->w, name, "bias", c->chout), -1.0);
    dmx_value tail = dmx_graph_crop(b->g, path, *previous, 1, before - s, s);
    dmx_value part[2];
    part[0] = dmx_graph_crop(b->g, path, *previous, 1, 0, before - s);
    part[1] = dmx_graph_add(b->g, path, tail, lap, 1.0);
    *previous = dmx_graph_concat(b->g, path, part, 2, 1);
    *next = dmx_graph_crop(b->g, path, *next, 1, s, after - s);
}

dmx_value dmx_decoder_bands(dmx_builder *b, const char *path,
                            const dmx_layer_config *c, const double *ratio,
                            int64_t n_ratio, dmx_value x, dmx_value skip)
{
    const int64_t rows = dmx_graph_shape(b->g, skip).dim[1];
    const dmx_value in[2] = {x, skip};
    dmx_layer_config band = *c;
    dmx_value out[DMX_LAYER_MAX_BANDS];
    int64_t start = 0;
    band.pad = 0;
    band.last = true;
    for (int64_t i = 0; i <= n_ratio && i < DMX_LAYER_MAX_BANDS; i++) {
        const int64_t limit =
            i == n_ratio ? rows : rounded((double)rows * ratio[i]);
        out[i] = decoder_band(b, path, i, &band, in, start, limit);
        if (i > 0)
            join_bands(b, path, i, c, &out[i - 1], &out[i]);
        start = limit;
    }
    x = dmx_graph_concat(b->g, path, out, (int)n_ratio + 1, 1);
    /* out[..., :-stride // 2] of the last, [stride // 2:] of the first */
    const int64_t first = c->stride / 2, last = (c->stride + 1) / 2;
    const int64_t all = dmx_graph_shape(b->g, x).dim[1];
    x = dmx_graph_crop(b->g, path, x, 1, first, all - first - last);
    return c->last ? x : dmx_graph_activation(b->g, path, DMX_OP_GELU, x);
}
