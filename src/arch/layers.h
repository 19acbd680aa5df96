/* The blocks that the hybrid architectures share: HEncLayer and HDecLayer of
 * demucs/hdemucs.py. Each fetches its weights by name and shape and appends its
 * operations to the graph. */
#ifndef DMX_ARCH_LAYERS_H
#define DMX_ARCH_LAYERS_H

#include "arch/dconv.h"

#define DMX_LAYER_MAX_BANDS 8 /* of MultiWrap */

/* The arguments of HEncLayer and HDecLayer. */
typedef struct dmx_layer_config {
    int64_t chin, chout;
    int64_t kernel, stride;
    int64_t
        pad; /* added, or in the decoder cut, at each end of the conv's axis */
    int64_t norm_groups; /* 0: no norm */
    int64_t context;     /* rewrite kernel is 1 + 2 context */
    bool context_freq;   /* decoder: the context covers rows too */
    bool freq;           /* convolve over frequency, else over time */
    bool empty;          /* only the strided convolution */
    bool last;           /* decoder: no closing GELU */
    bool rewrite, dconv;
    dmx_dconv_config dconv_config;
} dmx_layer_config;

/* inject: the time branch that joins here, [C][1][T], or DMX_NO_VALUE. */
dmx_value dmx_encoder_layer(dmx_builder *b, const char *path,
                            const dmx_layer_config *c, dmx_value x,
                            dmx_value inject);

/* Returns the layer's output; *pre, if pre is not NULL, becomes the input of
 * the transposed convolution. x: DMX_NO_VALUE for zeros. skip: DMX_NO_VALUE for
 * an empty layer. length: of the output in time, for a layer over time. */
dmx_value dmx_decoder_layer(dmx_builder *b, const char *path,
                            const dmx_layer_config *c, dmx_value x,
                            dmx_value skip, dmx_length length, dmx_value *pre);

/* The parts of a decoder layer: x + skip; everything else before the transposed
 * convolution; that with its norm, uncropped. */
dmx_value dmx_decoder_sum(dmx_builder *b, const char *path, dmx_value x,
                          dmx_value skip);
dmx_value dmx_decoder_rewrite(dmx_builder *b, const char *path,
                              const dmx_layer_config *c, dmx_value x);
dmx_value dmx_decoder_transposed(dmx_builder *b, const char *path,
                                 const dmx_layer_config *c, dmx_value x);

/* MultiWrap: one layer per band of rows, split at ratios of all rows. */
dmx_value dmx_encoder_bands(dmx_builder *b, const char *path,
                            const dmx_layer_config *c, const double *ratio,
                            int64_t n_ratio, dmx_value x);
dmx_value dmx_decoder_bands(dmx_builder *b, const char *path,
                            const dmx_layer_config *c, const double *ratio,
                            int64_t n_ratio, dmx_value x, dmx_value skip);

#endif
