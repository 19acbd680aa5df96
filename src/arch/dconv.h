/* The residual block DConv of demucs/demucs.py, with its optional LSTM and
 * local attention, and what the blocks of all architectures share. Each block
 * fetches its weights by name and shape and appends its operations to the
 * graph. */
#ifndef DMX_ARCH_DCONV_H
#define DMX_ARCH_DCONV_H

#include "arch/weights.h"
#include "graph/builders.h"

#include <stdio.h>

/* Formats "<path>.<name>" or "<path>.<name><index>" in a local buffer. */
#define DMX_CHILD(buffer, path, name)                                          \
    char buffer[256];                                                          \
    snprintf(buffer, sizeof buffer, "%.180s.%.40s", (path), (name))
#define DMX_CHILD_INDEX(buffer, path, name, index)                             \
    char buffer[256];                                                          \
    snprintf(buffer, sizeof buffer, "%.180s.%.40s%lld", (path), (name),        \
             (long long)(index))

/* The state that every block needs. */
typedef struct dmx_builder {
    dmx_graph *g;
    dmx_weights *w;
} dmx_builder;

/* A Conv1d over time, or a Conv2d whose kernel covers (frequency, time). */
dmx_value dmx_layer_conv(dmx_builder *b, const char *path, dmx_value x,
                         int64_t chin, int64_t chout, const int64_t kernel[2],
                         bool two_d, dmx_conv_geometry geometry);

/* Group norm if groups > 0, else x itself. */
dmx_value dmx_layer_norm_groups(dmx_builder *b, const char *path, dmx_value x,
                                int64_t channels, int64_t groups);

typedef struct dmx_dconv_config {
    int64_t depth;   /* residual sub-layers; negative: no dilation */
    double compress; /* hidden = int(channels / compress) */
    bool lstm, attn; /* BLSTM, LocalState between the convolutions */
} dmx_dconv_config;

/* Rows are a batch. path: of the module, "encoder.0.dconv". */
dmx_value dmx_dconv(dmx_builder *b, const char *path, dmx_value x,
                    int64_t channels, const dmx_dconv_config *c);

/* BLSTM of demucs/demucs.py: `layers` layers with as many units as x has
 * channels, and the linear layer after them. Inputs of more than max_steps
 * steps run in chunks; 0: never. skip: adds x to the result. */
dmx_value dmx_blstm(dmx_builder *b, const char *path, dmx_value x,
                    int64_t channels, int64_t layers, int64_t max_steps,
                    bool skip);

#endif
