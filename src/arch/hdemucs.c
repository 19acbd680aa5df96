/* HDemucs (v3): the U-Net of two branches, with LSTMs and local attention in
 * its inner levels. The original also calls it WDemucs. Source:
 * demucs/hdemucs.py, HDemucs. */
#include "arch/architectures.h"
#include "arch/hdemucs_infer.h"
#include "arch/registration.h"
#include "arch/unet.h"

#include <stdlib.h>

/* Source: the constructor of demucs.hdemucs.HDemucs, in its order. */
static const dmx_argument arguments[] = {
    {"sources", "null", DMX_ARGUMENT_USED},
    {"audio_channels", "2", DMX_ARGUMENT_USED},
    {"channels", "48", DMX_ARGUMENT_USED},
    {"channels_time", "null", DMX_ARGUMENT_USED},
    {"growth", "2", DMX_ARGUMENT_USED},
    {"nfft", "4096", DMX_ARGUMENT_USED},
    {"wiener_iters", "0", DMX_ARGUMENT_USED},
    {"end_iters", "0", DMX_ARGUMENT_IGNORED},
    {"wiener_residual", "false", DMX_ARGUMENT_USED},
    {"cac", "true", DMX_ARGUMENT_USED},
    {"depth", "6", DMX_ARGUMENT_USED},
    {"rewrite", "true", DMX_ARGUMENT_USED},
    {"hybrid", "true", DMX_ARGUMENT_USED},
    {"hybrid_old", "false", DMX_ARGUMENT_USED},
    {"multi_freqs", "null", DMX_ARGUMENT_USED},
    {"multi_freqs_depth", "2", DMX_ARGUMENT_USED},
    {"freq_emb", "0.2", DMX_ARGUMENT_USED},
    {"emb_scale", "10", DMX_ARGUMENT_USED},
    {"emb_smooth", "true", DMX_ARGUMENT_IGNORED},
    {"kernel_size", "8", DMX_ARGUMENT_USED},
    {"time_stride", "2", DMX_ARGUMENT_USED},
    {"stride", "4", DMX_ARGUMENT_USED},
    {"context", "1", DMX_ARGUMENT_USED},
    {"context_enc", "0", DMX_ARGUMENT_USED},
    {"norm_starts", "4", DMX_ARGUMENT_USED},
    {"norm_groups", "4", DMX_ARGUMENT_USED},
    {"dconv_mode", "1", DMX_ARGUMENT_USED},
    {"dconv_depth", "2", DMX_ARGUMENT_USED},
    {"dconv_comp", "4", DMX_ARGUMENT_USED},
    {"dconv_attn", "4", DMX_ARGUMENT_USED},
    {"dconv_lstm", "4", DMX_ARGUMENT_USED},
    {"dconv_init", "0.0001", DMX_ARGUMENT_IGNORED},
    {"rescale", "0.1", DMX_ARGUMENT_IGNORED},
    {"samplerate", "44100", DMX_ARGUMENT_USED},
    {"segment", "40", DMX_ARGUMENT_USED},
    {NULL, NULL, DMX_ARGUMENT_IGNORED},
};

/* There is nothing between the encoders and the decoders; the decoders start
 * from zeros. */
static dmx_status network_of(const struct dmx_model *model, int64_t samples,
                             dmx_builder *b, dmx_error *err)
{
    dmx_unet_build n;
    dmx_unet_input in;
    dmx_value x, xt;
    DMX_FORWARD(dmx_unet_open(&n, b, model->config, err));
    dmx_unet_begin(&in, &n, samples, &x, &xt);
    dmx_unet_encode(&n, &x, &xt);
    x = xt = DMX_NO_VALUE;
    dmx_unet_decode(&n, &x, &xt);
    dmx_unet_end(&in, &n, x, xt);
    return DMX_OK;
}

static void hdemucs_build(const struct dmx_model *model, int64_t samples,
                          dmx_graph *g)
{
    dmx_network_build(model, samples, g, network_of);
}

static dmx_status hdemucs_open(struct dmx_model *model, const dmx_hooks *hooks,
                               dmx_error *err)
{
    dmx_unet *u = calloc(1, sizeof *u);
    (void)hooks;
    DMX_RETURN_IF(u == NULL, err, DMX_ERROR_MEMORY, "no memory");
    model->config = u;
    DMX_FORWARD(dmx_unet_parse(u, model->arguments, err));
    model->audio_channels = u->audio_channels;
    DMX_FORWARD(dmx_network_segment(model, err));
    DMX_FORWARD(dmx_network_sources(model, err));
    DMX_FORWARD(dmx_network_names(model, network_of, err));
    return dmx_network_check(model, network_of, err);
}

static void hdemucs_close(struct dmx_model *model)
{
    free(model->config);
    model->config = NULL;
}

const struct dmx_architecture dmx_architecture_hdemucs = {
    .name = "hdemucs",
    .klass_name = "HDemucs",
    .other_klass_name = "WDemucs",
    .arguments = arguments,
    .quantized = true,
    .recognise = dmx_hdemucs_recognise,
    .rename = dmx_hdemucs_rename,
    .infer = dmx_hdemucs_infer,
    .open = hdemucs_open,
    .close = hdemucs_close,
    .build = hdemucs_build,
    .assemble = network_of,
};
