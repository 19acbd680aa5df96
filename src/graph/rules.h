/* The rules of the operations: whether a node's inputs, operands and attributes
 * fit together, and the dimensions of its results for every input length. */
#ifndef DMX_GRAPH_RULES_H
#define DMX_GRAPH_RULES_H

#include "graph/graph_build.h"

/* Returns NULL, or a text that says what does not fit. `in` holds the
 * dimensions of the inputs, whose number is checked beforehand; writes
 * out[0..outputs) and the node's attributes that follow from them. Numbers are
 * bounded before they are used. */
typedef const char *dmx_rule(dmx_dims out[2], const dmx_dims *in,
                             dmx_node *node);

/* Returned where lengths fit only at some input lengths, or no rule of length.h
 * describes the result: such a graph can be built for a fixed length only. */
extern const char dmx_no_rule[];

/* The rule of an operation. */
dmx_rule *dmx_rule_of(dmx_op op);

/* One for each `shape` column of operations.def. */
dmx_rule dmx_rule_dims, dmx_rule_pad, dmx_rule_crop, dmx_rule_concat,
    dmx_rule_reshape, dmx_rule_stft, dmx_rule_istft, dmx_rule_conv,
    dmx_rule_conv_transpose, dmx_rule_freq_embedding; /* rules_signal.c, ... */
dmx_rule dmx_rule_magnitude, dmx_rule_mask, dmx_rule_wiener, dmx_rule_mono,
    dmx_rule_resample, dmx_rule_lstm, dmx_rule_local_attention;
dmx_rule dmx_rule_statistics, dmx_rule_standardize, dmx_rule_group_norm,
    dmx_rule_same, dmx_rule_glu, dmx_rule_per_channel, dmx_rule_add;
dmx_rule dmx_rule_layer_norm, dmx_rule_linear, dmx_rule_attention,
    dmx_rule_tokens, dmx_rule_untokens, dmx_rule_position_1d,
    dmx_rule_position_2d;

/* ---- what rules share ---------------------------------------------------- */
/* The number, or DMX_ANY. */
static inline int64_t dmx_number(dmx_length a)
{
    return dmx_length_is_fixed(a) ? a.plus : DMX_ANY;
}

static inline dmx_dims dmx_signal_dims(dmx_length c, dmx_length f, dmx_length t)
{
    return (dmx_dims){3, {c, f, t}};
}

static inline dmx_dims dmx_token_dims(dmx_length length, int64_t width)
{
    return (dmx_dims){2, {length, dmx_length_fixed(width)}};
}

/* Channels of a signal, columns of tokens; 0 for a scalar. */
int64_t dmx_channels_of(const dmx_dims *d);

/* Whether t is [channels]. */
bool dmx_fits_channels(const dmx_tensor *t, int64_t channels);

/* NULL for equal lengths, dmx_no_rule where they may be equal only at some
 * input lengths, else `what`. */
const char *dmx_compare_lengths(dmx_length a, dmx_length b, const char *what);

#endif
