/* The cross-domain transformer of demucs/transformer.py. */
#ifndef DMX_ARCH_TRANSFORMER_H
#define DMX_ARCH_TRANSFORMER_H

#include "arch/layers.h"

/* The arguments of CrossTransformerEncoder that change inference. */
typedef struct dmx_transformer_config {
    int64_t dim, hidden; /* token width, feed-forward width */
    int64_t heads, layers, max_positions;
    dmx_position_kind embedding; /* of the time branch */
    bool norm_in;
    int64_t norm_in_group, group_norm; /* groups, 0: none */
    bool norm_first;
    int64_t norm_out; /* groups, 0: none */
    double max_period, weight_pos_embed;
    bool layer_scale, gelu, cape_mean_normalize, cross_first;
} dmx_transformer_config;

/* In place: *x is the spectrogram branch [D][F][T], *xt the time branch
 * [D][1][T']. */
void dmx_cross_transformer(dmx_builder *b, const char *path,
                           const dmx_transformer_config *c, dmx_value *x,
                           dmx_value *xt);

#endif
