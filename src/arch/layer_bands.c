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

/* ---- the decoder ---------------------------------------------------------
 */

typedef struct bands {
    dmx_builder *b;
    const char *path;
    const dmx_layer_config *c; /* of each band: uncropped, no closing GELU */
    int64_t count;
    dmx_value x[DMX_LAYER_MAX_BANDS];
} bands;

/* Splits x + skip, and each band's part up to its transposed convolution. */
static void rewrite_bands(bands *d, const double *ratio, dmx_value x)
{
    const int64_t rows = dmx_graph_shape(d->b->g, x).dim[1];
    int64_t start = 0;
    for (int64_t i = 0; i < d->count; i++) {
        const int64_t limit =
            i + 1 == d->count ? rows : rounded((double)rows * ratio[i]);
        char child[256];
        band_path(child, d->path, i);
        d->x[i] = dmx_decoder_rewrite(
            d->b, child, d->c,
            dmx_graph_crop(d->b->g, d->path, x, 1, start, limit - start));
        start = limit;
    }
}

/* The last `stride` rows of band i - 1, a transposed convolution, overlap the
 * first of band i: their sum carries one bias, not two. */
static dmx_value overlap(const bands *d, int64_t i)
{
    dmx_graph *g = d->b->g;
    char child[256], name[280];
    const int64_t s = d->c->stride;
    const int64_t before = dmx_graph_shape(g, d->x[i - 1]).dim[1];
    band_path(child, d->path, i);
    snprintf(name, sizeof name, "%s.conv_tr", child);
    dmx_value lap = dmx_graph_crop(g, d->path, d->x[i], 1, 0, s);
    lap = dmx_graph_bias(g, d->path, lap,
                         dmx_weights_vector(d->b->w, name, "bias", d->c->chout),
                         -1.0);
    const dmx_value tail =
        dmx_graph_crop(g, d->path, d->x[i - 1], 1, before - s, s);
    return dmx_graph_add(g, d->path, tail, lap, 1.0);
}

/* Band i without the rows that overlap, none where one row was transposed. Of
 * the first and the last, half as many are cut: out[..., stride // 2:-stride //
 * 2]. */
static dmx_value inner_rows(const bands *d, int64_t i)
{
    dmx_graph *g = d->b->g;
    const int64_t s = d->c->stride, rows = dmx_graph_shape(g, d->x[i]).dim[1];
    const int64_t first = i == 0 ? s / 2 : s;
    const int64_t last = i + 1 == d->count ? (s + 1) / 2 : s;
    return rows > first + last ? dmx_graph_crop(g, d->path, d->x[i], 1, first,
                                                rows - first - last)
                               : DMX_NO_VALUE;
}

static dmx_value join_bands(bands *d)
{
    dmx_value part[2 * DMX_LAYER_MAX_BANDS];
    int n = 0;
    for (int64_t i = 0; i < d->count; i++) {
        char child[256];
        band_path(child, d->path, i);
        d->x[i] = dmx_decoder_transposed(d->b, child, d->c, d->x[i]);
        if (i > 0)
            part[n++] = overlap(d, i);
        part[n] = inner_rows(d, i);
        n += part[n] != DMX_NO_VALUE;
    }
    return dmx_graph_concat(d->b->g, d->path, part, n, 1);
}

dmx_value dmx_decoder_bands(dmx_builder *b, const char *path,
                            const dmx_layer_config *c, const double *ratio,
                            int64_t n_ratio, dmx_value x, dmx_value skip)
{
    dmx_layer_config band = *c;
    bands d = {.b = b,
               .path = path,
               .c = &band,
               .count = n_ratio < DMX_LAYER_MAX_BANDS ? n_ratio + 1
                                                      : DMX_LAYER_MAX_BANDS};
    band.pad = 0;
    band.last = true;
    rewrite_bands(&d, ratio, dmx_decoder_sum(b, path, x, skip));
    x = join_bands(&d);
    return c->last ? x : dmx_graph_activation(b->g, path, DMX_OP_GELU, x);
}
