/* The blocks that the Demucs architectures share: HEncLayer, HDecLayer, DConv
 * of demucs/hdemucs.py and demucs/demucs.py. Each asks the weights for what it
 * needs by name and shape and appends its operations to the graph. */
#ifndef DMX_ARCH_LAYERS_H
#define DMX_ARCH_LAYERS_H

#include "arch/weights.h"
#include "graph/builders.h"

#include <stdio.h>

#define DMX_LAYER_MAX_BANDS 8 /* of MultiWrap */

/* "<path>.<name>" and "<path>.<name><index>" in a local buffer. */
#define DMX_CHILD(buffer, path, name)                                          \
    char buffer[256];                                                          \
    snprintf(buffer, sizeof buffer, "%.180s.%.40s", (path), (name))
#define DMX_CHILD_INDEX(buffer, path, name, index)                             \
    char buffer[256];                                                          \
    snprintf(buffer, sizeof buffer, "%.180s.%.40s%lld", (path), (name),        \
             (long long)(index))

/* What every block needs. */
typedef struct dmx_builder {
    dmx_graph *g;
    dmx_weights *w;
} dmx_builder;

typedef struct dmx_dconv_config {
    int64_t depth;   /* residual sub-layers; negative: no dilation */
    double compress; /* hidden = int(channels / compress) */
} dmx_dconv_config;

/* The arguments of HEncLayer and HDecLayer. */
typedef struct dmx_layer_config {
    int64_t chin, chout;
    int64_t kernel, stride;
    int64_t pad;         /* cut or added on each side of the conv's axis */
    int64_t norm_groups; /* 0: no norm */
    int64_t context;     /* rewrite kernel is 1 + 2 context */
    bool context_freq;   /* decoder: the context covers rows too */
    bool freq;           /* convolve over frequency, else over time */
    bool empty;          /* only the strided convolution */
    bool last;           /* decoder: no closing GELU */
    bool rewrite, dconv;
    dmx_dconv_config dconv_config;
} dmx_layer_config;

/* inject: DMX_NO_VALUE, or the time branch joining [C][1][T]. */
dmx_value dmx_encoder_layer(dmx_builder *b, const char *path,
                            const dmx_layer_config *c, dmx_value x,
                            dmx_value inject);

/* Returns the layer's output; *pre, when not NULL, gets what went into the
 * transposed convolution. skip: DMX_NO_VALUE for an empty layer. length: of
 * the output in time, for a layer over time. */
dmx_value dmx_decoder_layer(dmx_builder *b, const char *path,
                            const dmx_layer_config *c, dmx_value x,
                            dmx_value skip, dmx_length length, dmx_value *pre);

/* MultiWrap: one layer per band of rows, split at ratios of all rows. */
dmx_value dmx_encoder_bands(dmx_builder *b, const char *path,
                            const dmx_layer_config *c, const double *ratio,
                            int64_t n_ratio, dmx_value x);
dmx_value dmx_decoder_bands(dmx_builder *b, const char *path,
                            const dmx_layer_config *c, const double *ratio,
                            int64_t n_ratio, dmx_value x, dmx_value skip);

/* Normalisation with groups > 0; x itself with 0. */
dmx_value dmx_layer_norm_groups(dmx_builder *b, const char *path, dmx_value x,
                                int64_t channels, int64_t groups);

#endif
