/* HTDemucs: constructor arguments, and what follows from them. */
#ifndef DMX_ARCH_HTDEMUCS_CONFIG_H
#define DMX_ARCH_HTDEMUCS_CONFIG_H

#include "arch/arch.h"
#include "arch/arguments.h"
#include "arch/unet.h"

#define DMX_HTDEMUCS_MAX_LAYERS 128

/* Every argument that changes inference; names as in the constructor. */
typedef struct dmx_htdemucs {
    dmx_unet unet;
    int64_t bottom_channels;
    int64_t t_layers;
    double t_hidden_scale;
    int64_t t_heads, t_max_positions;
    dmx_position_kind t_emb;
    bool t_norm_in;
    int64_t t_norm_in_group, t_group_norm;
    bool t_norm_first;
    int64_t t_norm_out; /* groups of the closing norm, 0: none */
    double t_max_period;
    bool t_layer_scale, t_gelu;
    double t_weight_pos_embed;
    bool t_cape_mean_normalize, t_cross_first;
} dmx_htdemucs;

extern const dmx_argument dmx_htdemucs_arguments[]; /* ends with NULL */

/* Parses the complete argument object; refuses configurations that can't be
 * built. */
DMX_MUST_CHECK dmx_status dmx_htdemucs_parse(dmx_htdemucs *out,
                                             const dmx_json *arguments,
                                             const dmx_hooks *hooks,
                                             dmx_error *err);

/* Adds all missing arguments that follow from the weights of a bare state dict
 * to `arguments`; `sources` and `segment` get their usual values. Arguments
 * that the weights leave open are added to the model's list of assumptions. */
DMX_MUST_CHECK dmx_status dmx_htdemucs_infer(struct dmx_model *model,
                                             dmx_error *err);

/* True when the names are those of an HTDemucs. */
bool dmx_htdemucs_recognise(const struct dmx_checkpoint *checkpoint);

#endif
