/* A bare state dict holds no arguments; many follow from names and shapes. */
#include "arch/hdemucs_infer.h"
#include "arch/htdemucs_config.h"
#include "arch/infer.h"

#include <stdio.h>
#include <string.h>

bool dmx_htdemucs_recognise(const struct dmx_checkpoint *c)
{
    const dmx_tensor *t = dmx_infer_conv(c, 0);
    return t != NULL && t->rank == 4 && dmx_infer_any(c, "tencoder.0.") &&
           dmx_infer_any(c, "decoder.0.") && !dmx_hdemucs_recognise(c);
}

static dmx_status infer_attention(struct dmx_model *m, int64_t width,
                                  dmx_error *err)
{
    const struct dmx_checkpoint *c = m->weights;
    const dmx_tensor *up =
        dmx_infer_find(c, "crosstransformer.layers.0.linear1.weight", 0);
    const dmx_tensor *table = dmx_checkpoint_find(
        c, "crosstransformer.position_embeddings.embedding.weight");
    const bool closing =
        dmx_infer_any(c, "crosstransformer.layers.0.norm_out.");
    if (up != NULL && up->rank == 2 && width > 0)
        DMX_FORWARD(dmx_infer_number(m, "t_hidden_scale",
                                     (double)up->dim[0] / (double)width, err));
    DMX_FORWARD(dmx_infer_bool(
        m, "t_cross_first",
        dmx_infer_any(c, "crosstransformer.layers.0.cross_attn."), err));
    DMX_FORWARD(dmx_infer_bool(
        m, "t_layer_scale",
        dmx_infer_any(c, "crosstransformer.layers.0.gamma_1."), err));
    DMX_FORWARD(dmx_infer_bool(m, "t_norm_out", closing, err));
    if (closing)
        DMX_FORWARD(dmx_infer_bool(m, "t_norm_first", true, err));
    if (table != NULL && table->rank == 2) {
        if (dmx_json_get(m->arguments, "t_emb") == NULL &&
            dmx_json_add_string(m->arguments, "t_emb", "scaled") == NULL)
            DMX_RETURN_ERROR(err, DMX_ERROR_MEMORY, "no memory");
        DMX_FORWARD(
            dmx_infer_number(m, "t_max_positions", (double)table->dim[0], err));
    }
    if (!dmx_infer_part(c, "crosstransformer.norm_in.", 0)) {
        DMX_FORWARD(dmx_infer_bool(m, "t_norm_in", false, err));
        DMX_FORWARD(dmx_infer_bool(m, "t_norm_in_group", false, err));
    }
    return DMX_OK;
}

static dmx_status assume_attention(struct dmx_model *m, dmx_error *err)
{
    static const char *const open[][2] = {
        {"t_heads", "8"},          {"t_emb", "\"sin\""},
        {"t_max_period", "10000"}, {"t_weight_pos_embed", "1"},
        {"t_norm_in", "true"},     {"t_norm_in_group", "false"},
        {"t_group_norm", "false"}, {"t_norm_first", "true"},
        {"t_gelu", "true"},
    };
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++)
        DMX_FORWARD(dmx_model_assume(m, open[i][0], open[i][1], err));
    return DMX_OK;
}

static dmx_status infer_transformer(struct dmx_model *m, dmx_error *err)
{
    const struct dmx_checkpoint *c = m->weights;
    const int64_t layers = dmx_infer_count(c, "crosstransformer.layers.%lld.");
    const dmx_tensor *up = dmx_checkpoint_find(c, "channel_upsampler.weight");
    const dmx_tensor *out =
        dmx_checkpoint_find(c, "crosstransformer.layers.0.linear2.weight");
    DMX_FORWARD(dmx_infer_number(m, "t_layers", (double)layers, err));
    DMX_FORWARD(dmx_infer_number(
        m, "bottom_channels",
        up != NULL && up->rank > 0 ? (double)up->dim[0] : 0.0, err));
    if (layers == 0)
        return DMX_OK;
    DMX_FORWARD(infer_attention(
        m, out != NULL && out->rank == 2 ? out->dim[0] : 0, err));
    return assume_attention(m, err);
}

dmx_status dmx_htdemucs_infer(struct dmx_model *m, dmx_error *err)
{
    DMX_FORWARD(dmx_unet_infer(m, err));
    DMX_FORWARD(infer_transformer(m, err));
    DMX_FORWARD(dmx_unet_infer_rest(m, err));
    /* Every released HTDemucs was trained on 7.8 s. */
    return dmx_model_assume(
        m, "segment",
        "{\"_type\": \"fraction\", \"numerator\": 39, \"denominator\": 5}",
        err);
}
