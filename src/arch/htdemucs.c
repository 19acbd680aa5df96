/* HTDemucs (v4): spectrogram and waveform U-Nets joined by a transformer.
 * Source: demucs/htdemucs.py, HTDemucs.forward. */
#include "arch/architectures.h"
#include "arch/htdemucs_config.h"
#include "arch/network.h"
#include "arch/transformer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The state of one build. */
typedef struct network {
    dmx_builder *b;
    const dmx_htdemucs *h;
    dmx_unet_build unet;
} network;

/* Conv1d with kernel size 1 over the flattened rows: the same at every
 * position. */
static dmx_value resample_channels(network *n, const char *path, dmx_value x,
                                   int64_t from, int64_t to)
{
    const int64_t dim[] = {to, from, 1};
    const dmx_tensor *weight = dmx_weights_get(n->b->w, path, "weight", 3, dim);
    const dmx_tensor *bias = dmx_weights_vector(n->b->w, path, "bias", to);
    return dmx_graph_conv(n->b->g, path, x, weight, bias,
                          (dmx_conv_geometry){.stride = {1, 1}});
}

static dmx_transformer_config transformer_config(const dmx_htdemucs *h,
                                                 int64_t dim)
{
    return (dmx_transformer_config){
        .dim = dim,
        .hidden = (int64_t)((double)dim * h->t_hidden_scale),
        .heads = h->t_heads,
        .layers = h->t_layers,
        .max_positions = h->t_max_positions,
        .embedding = h->t_emb,
        .norm_in = h->t_norm_in,
        .norm_in_group = h->t_norm_in_group,
        .group_norm = h->t_group_norm,
        .norm_first = h->t_norm_first,
        .norm_out = h->t_norm_out,
        .max_period = h->t_max_period,
        .weight_pos_embed = h->t_weight_pos_embed,
        .layer_scale = h->t_layer_scale,
        .gelu = h->t_gelu,
        .cape_mean_normalize = h->t_cape_mean_normalize,
        .cross_first = h->t_cross_first,
    };
}

/* channels * growth ** (depth - 1), as the constructor computes it. */
static int64_t bottom_width(const dmx_htdemucs *h)
{
    const double width = (double)h->unet.channels *
                         pow(h->unet.growth, (double)(h->unet.depth - 1));
    return width < 1e9 ? (int64_t)width : 0;
}

/* Fetches the weights of the channel samplers, which exist, unused, even
 * without a transformer. */
static void fetch_unused_samplers(network *n, int64_t width, int64_t bottom)
{
    static const char *const path[] = {
        "channel_upsampler", "channel_upsampler_t", "channel_downsampler",
        "channel_downsampler_t"};
    for (int i = 0; i < 4; i++) {
        const int64_t dim[] = {i < 2 ? bottom : width, i < 2 ? width : bottom,
                               1};
        (void)dmx_weights_get(n->b->w, path[i], "weight", 3, dim);
        (void)dmx_weights_vector(n->b->w, path[i], "bias", dim[0]);
    }
}

static void bottleneck(network *n, dmx_value *x, dmx_value *xt)
{
    const int64_t width = bottom_width(n->h), bottom = n->h->bottom_channels;
    if (n->h->t_layers == 0) {
        if (bottom != 0)
            fetch_unused_samplers(n, width, bottom);
        return;
    }
    if (bottom != 0) {
        *x = resample_channels(n, "channel_upsampler", *x, width, bottom);
        *xt = resample_channels(n, "channel_upsampler_t", *xt, width, bottom);
    }
    const dmx_transformer_config c =
        transformer_config(n->h, bottom != 0 ? bottom : width);
    dmx_cross_transformer(n->b, "crosstransformer", &c, x, xt);
    if (bottom != 0) {
        *x = resample_channels(n, "channel_downsampler", *x, bottom, width);
        *xt = resample_channels(n, "channel_downsampler_t", *xt, bottom, width);
    }
}

static void assemble(network *n, int64_t samples)
{
    dmx_unet_input in;
    dmx_value x, xt;
    dmx_unet_begin(&in, &n->unet, samples, &x, &xt);
    dmx_unet_encode(&n->unet, &x, &xt);
    bottleneck(n, &x, &xt);
    dmx_unet_decode(&n->unet, &x, &xt);
    dmx_unet_end(&in, &n->unet, x, xt);
}

/* The sinusoidal embedding starts at random.randrange(t_sin_random_shift + 1),
 * which every network with a transformer draws
 * (demucs.transformer.CrossTransformerEncoder). */
static int64_t draws_position(const dmx_json *arguments)
{
    int64_t layers = 0, shift = 0;
    const char *kind = dmx_json_text_of(dmx_json_get(arguments, "t_emb"));
    if (kind == NULL || strcmp(kind, "sin") != 0 ||
        dmx_argument_int(&layers, arguments, "t_layers", 1,
                         DMX_HTDEMUCS_MAX_LAYERS, NULL) != DMX_OK ||
        dmx_argument_int(&shift, arguments, "t_sin_random_shift", 0, 1 << 30,
                         NULL) != DMX_OK)
        return 0;
    return shift + 1;
}

static dmx_status network_of(const struct dmx_model *model, int64_t samples,
                             dmx_builder *b, dmx_error *err)
{
    const dmx_htdemucs *h = model->config;
    network n = {.b = b, .h = h};
    DMX_FORWARD(dmx_unet_open(&n.unet, b, &h->unet, err));
    DMX_RETURN_IF(h->t_layers > 0 && !n.unet.level[h->unet.depth - 1].freq, err,
                  DMX_ERROR_MODEL,
                  "depth = %lld leaves no spectrogram for the transformer",
                  (long long)h->unet.depth);
    assemble(&n, samples);
    return DMX_OK;
}

static void htdemucs_build(const struct dmx_model *model, int64_t samples,
                           dmx_graph *g)
{
    dmx_network_build(model, samples, g, network_of);
}

static dmx_status htdemucs_open(struct dmx_model *model, const dmx_hooks *hooks,
                                dmx_error *err)
{
    dmx_htdemucs *h = calloc(1, sizeof *h);
    DMX_RETURN_IF(h == NULL, err, DMX_ERROR_MEMORY, "no memory");
    model->config = h;
    DMX_FORWARD(dmx_htdemucs_parse(h, model->arguments, hooks, err));
    model->audio_channels = h->unet.audio_channels;
    model->draws_position = draws_position(model->arguments);
    DMX_FORWARD(dmx_network_segment(model, err));
    DMX_FORWARD(dmx_network_sources(model, err));
    return dmx_network_check(model, network_of, err);
}

static void htdemucs_close(struct dmx_model *model)
{
    free(model->config);
    model->config = NULL;
}

const struct dmx_architecture dmx_architecture_htdemucs = {
    .name = "htdemucs",
    .klass_name = "HTDemucs",
    .arguments = dmx_htdemucs_arguments,
    .recognise = dmx_htdemucs_recognise,
    .infer = dmx_htdemucs_infer,
    .open = htdemucs_open,
    .close = htdemucs_close,
    .draws_position = draws_position,
    .build = htdemucs_build,
};
