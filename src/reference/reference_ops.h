/* What the operations of the reference share. */
#ifndef DMX_REFERENCE_REFERENCE_OPS_H
#define DMX_REFERENCE_REFERENCE_OPS_H

#include "graph/graph.h"
#include "reference/mutation.h"

/* A value: row-major elements of a shape. */
typedef struct dmx_array {
    dmx_shape shape;
    double *data;
} dmx_array;

/* One node about to run. out[i].data is allocated; for the operations that
 * dmx_reference_in_place names it may be in[0].data itself. */
typedef struct dmx_reference_step {
    const dmx_node *node;
    const dmx_array *in;
    const dmx_array *out;
    int threads;
    dmx_error *err;
} dmx_reference_step;

typedef dmx_status dmx_reference_op(const dmx_reference_step *s);

/* reference_layout.c */
dmx_reference_op dmx_reference_pad, dmx_reference_crop, dmx_reference_concat,
    dmx_reference_reshape, dmx_reference_tokens, dmx_reference_untokens,
    dmx_reference_freq_embedding;
/* reference_position.c */
dmx_reference_op dmx_reference_position_1d, dmx_reference_position_2d;
/* reference_spectrum.c */
dmx_reference_op dmx_reference_stft, dmx_reference_istft;
/* reference_norm.c */
dmx_reference_op dmx_reference_statistics, dmx_reference_standardize,
    dmx_reference_unstandardize, dmx_reference_group_norm,
    dmx_reference_layer_norm;
/* reference_conv.c */
dmx_reference_op dmx_reference_conv, dmx_reference_conv_transpose;
/* reference_pointwise.c */
dmx_reference_op dmx_reference_gelu, dmx_reference_relu, dmx_reference_glu,
    dmx_reference_scale, dmx_reference_bias, dmx_reference_add;
/* reference_linear.c, reference_attention.c */
dmx_reference_op dmx_reference_linear, dmx_reference_attention;

/* True when the operation no longer needs an element of its first input once it
 * has written that element, so that both may be the same memory. */
bool dmx_reference_in_place(dmx_op op);

/* Calls task(context, begin, end) for ranges that cover [0, total), on several
 * threads. Ranges do not depend on the number of threads. */
void dmx_reference_ranges(int threads, int64_t total,
                          void (*task)(const void *context, int64_t begin,
                                       int64_t end),
                          const void *context);

/* A tensor's elements in float64, malloc'd; for NULL, `count` zeros. NULL
 * when memory is short, which also fills err. */
double *dmx_reference_widen(const dmx_tensor *t, size_t count, dmx_error *err);

/* A value seen as [outer][channels][inner]: a signal is [1][C][F T], a token
 * list [L][D][1]. */
typedef struct dmx_channels {
    int64_t outer, channels, inner;
} dmx_channels;
dmx_channels dmx_reference_channels(const dmx_shape *shape);

#endif
