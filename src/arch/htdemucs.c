/* HTDemucs (v4): spectrogram and waveform U-Nets joined by a transformer.
 * Source: demucs/htdemucs.py, HTDemucs.forward. */
#include "arch/architectures.h"
#include "arch/htdemucs_config.h"
#include "arch/layers.h"
#include "arch/transformer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Everything one build needs. */
typedef struct network {
    dmx_builder b;
    const dmx_htdemucs *h;
    dmx_htdemucs_level level[DMX_HTDEMUCS_MAX_DEPTH];
    dmx_value saved[DMX_HTDEMUCS_MAX_DEPTH];   /* encoder outputs */
    dmx_value saved_t[DMX_HTDEMUCS_MAX_DEPTH]; /* of the time branch */
    int64_t length_t[DMX_HTDEMUCS_MAX_DEPTH];  /* its inputs' lengths */
    int64_t length[DMX_HTDEMUCS_MAX_DEPTH];
} network;

static dmx_layer_config common_config(const network *n,
                                      const dmx_htdemucs_level *l)
{
    return (dmx_layer_config){
        .kernel = l->kernel,
        .stride = l->stride,
        .pad = l->pad,
        .norm_groups = l->norm ? n->h->norm_groups : 0,
        .freq = l->freq,
        .rewrite = n->h->rewrite,
        .dconv_config = {n->h->dconv_depth, n->h->dconv_comp},
    };
}

/* The time twin always convolves over time with the full kernel. */
static void make_time(dmx_layer_config *c, const network *n,
                      const dmx_htdemucs_level *l)
{
    c->freq = false;
    c->kernel = n->h->kernel_size;
    c->stride = n->h->stride;
    c->pad = n->h->kernel_size / 4;
    c->empty = l->last_freq;
}

static dmx_layer_config encoder_config(const network *n, int64_t i, bool time)
{
    const dmx_htdemucs_level *l = &n->level[i];
    dmx_layer_config c = common_config(n, l);
    c.chin = time ? l->chin : l->chin_z;
    c.chout = time ? l->chout : l->chout_z;
    c.context = n->h->context_enc;
    c.dconv = (n->h->dconv_mode & 1) != 0;
    if (time)
        make_time(&c, n, l);
    return c;
}

static dmx_layer_config decoder_config(const network *n, int64_t i, bool time)
{
    const dmx_htdemucs_level *l = &n->level[i];
    dmx_layer_config c = common_config(n, l);
    c.chin = time ? l->chout : l->chout_z;
    c.chout = time ? l->dec_out : l->dec_out_z;
    c.context = n->h->context;
    c.context_freq = !l->multi;
    c.dconv = (n->h->dconv_mode & 2) != 0;
    c.last = i == 0;
    if (time)
        make_time(&c, n, l);
    return c;
}

static dmx_value encode_spectrogram(network *n, int64_t i, dmx_value x,
                                    dmx_value inject)
{
    char path[64];
    snprintf(path, sizeof path, "encoder.%lld", (long long)i);
    const dmx_layer_config c = encoder_config(n, i, false);
    if (n->level[i].multi)
        return dmx_encoder_bands(&n->b, path, &c, n->h->multi_freqs,
                                 n->h->n_multi_freqs, x);
    return dmx_encoder_layer(&n->b, path, &c, x, inject);
}

static dmx_value add_freq_embedding(network *n, dmx_value x)
{
    const dmx_tensor *weight =
        dmx_weights_matrix(n->b.w, "freq_emb.embedding", "weight",
                           n->level[0].freqs_out, n->level[0].chout_z);
    const dmx_value table =
        dmx_graph_freq_embedding(n->b.g, "freq_emb", weight, n->h->emb_scale);
    return dmx_graph_add(n->b.g, "freq_emb", x, table, n->h->freq_emb);
}

static void encode(network *n, dmx_value *x, dmx_value *xt)
{
    for (int64_t i = 0; i < n->h->depth; i++) {
        const dmx_htdemucs_level *l = &n->level[i];
        dmx_value inject = DMX_NO_VALUE;
        n->length[i] = dmx_graph_shape(n->b.g, *x).dim[2];
        if (l->has_time) {
            char path[64];
            snprintf(path, sizeof path, "tencoder.%lld", (long long)i);
            const dmx_layer_config c = encoder_config(n, i, true);
            n->length_t[i] = dmx_graph_shape(n->b.g, *xt).dim[2];
            *xt = dmx_encoder_layer(&n->b, path, &c, *xt, DMX_NO_VALUE);
            n->saved_t[i] = *xt;
            if (l->last_freq)
                inject = *xt;
        }
        *x = encode_spectrogram(n, i, *x, inject);
        if (i == 0 && n->h->freq_emb != 0.0)
            *x = add_freq_embedding(n, *x);
        n->saved[i] = *x;
    }
}

/* Conv1d(1) over the flattened rows: the same for every position. */
static dmx_value resample_channels(network *n, const char *path, dmx_value x,
                                   int64_t from, int64_t to)
{
    const int64_t dim[] = {to, from, 1};
    return dmx_graph_conv(n->b.g, path, x,
                          dmx_weights_get(n->b.w, path, "weight", 3, dim),
                          dmx_weights_vector(n->b.w, path, "bias", to),
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
    const double width =
        (double)h->channels * pow(h->growth, (double)(h->depth - 1));
    return width < 1e9 ? (int64_t)width : 0;
}

/* The channel samplers exist, unused, even where there is no transformer. */
static void expect_samplers(network *n, int64_t width, int64_t bottom)
{
    static const char *const path[] = {
        "channel_upsampler", "channel_upsampler_t", "channel_downsampler",
        "channel_downsampler_t"};
    for (int i = 0; i < 4; i++) {
        const int64_t dim[] = {i < 2 ? bottom : width, i < 2 ? width : bottom,
                               1};
        (void)dmx_weights_get(n->b.w, path[i], "weight", 3, dim);
        (void)dmx_weights_vector(n->b.w, path[i], "bias", dim[0]);
    }
}

static void bottleneck(network *n, dmx_value *x, dmx_value *xt)
{
    const int64_t width = bottom_width(n->h), bottom = n->h->bottom_channels;
    if (n->h->t_layers == 0) {
        if (bottom != 0)
            expect_samplers(n, width, bottom);
        return;
    }
    if (bottom != 0) {
        *x = resample_channels(n, "channel_upsampler", *x, width, bottom);
        *xt = resample_channels(n, "channel_upsampler_t", *xt, width, bottom);
    }
    const dmx_transformer_config c =
        transformer_config(n->h, bottom != 0 ? bottom : width);
    dmx_cross_transformer(&n->b, "crosstransformer", &c, x, xt);
    if (bottom != 0) {
        *x = resample_channels(n, "channel_downsampler", *x, bottom, width);
        *xt = resample_channels(n, "channel_downsampler_t", *xt, bottom, width);
    }
}

static dmx_value decode_spectrogram(network *n, int64_t i, dmx_value x,
                                    dmx_value *pre)
{
    char path[64];
    snprintf(path, sizeof path, "decoder.%lld",
             (long long)(n->h->depth - 1 - i));
    const dmx_layer_config c = decoder_config(n, i, false);
    *pre = DMX_NO_VALUE;
    if (n->level[i].multi)
        return dmx_decoder_bands(&n->b, path, &c, n->h->multi_freqs,
                                 n->h->n_multi_freqs, x, n->saved[i]);
    return dmx_decoder_layer(&n->b, path, &c, x, n->saved[i], n->length[i],
                             pre);
}

/* Number of levels that have a time twin. */
static int64_t time_levels(const network *n)
{
    int64_t count = 0;
    while (count < n->h->depth && n->level[count].has_time)
        count++;
    return count;
}

static void decode(network *n, dmx_value *x, dmx_value *xt)
{
    const int64_t twins = time_levels(n);
    for (int64_t i = n->h->depth - 1; i >= 0; i--) {
        const dmx_htdemucs_level *l = &n->level[i];
        dmx_value pre;
        *x = decode_spectrogram(n, i, *x, &pre);
        if (!l->has_time)
            continue;
        char path[64];
        snprintf(path, sizeof path, "tdecoder.%lld",
                 (long long)(twins - 1 - i));
        const dmx_layer_config c = decoder_config(n, i, true);
        *xt = dmx_decoder_layer(&n->b, path, &c, l->last_freq ? pre : *xt,
                                l->last_freq ? DMX_NO_VALUE : n->saved_t[i],
                                n->length_t[i], NULL);
    }
}

static void assemble(network *n, int64_t samples)
{
    dmx_graph *g = n->b.g;
    const double epsilon = 1e-5;
    dmx_value mean, std, mean_t, std_t;
    const dmx_value mix = dmx_graph_input(g, n->h->audio_channels, samples);
    const dmx_value spectrogram = dmx_graph_stft(g, "stft", mix, n->h->nfft);
    dmx_graph_statistics(g, "statistics", spectrogram, &mean, &std);
    dmx_value x = dmx_graph_standardize(g, "standardize", spectrogram, mean,
                                        std, epsilon);
    dmx_graph_statistics(g, "statistics_t", mix, &mean_t, &std_t);
    dmx_value xt =
        dmx_graph_standardize(g, "standardize_t", mix, mean_t, std_t, epsilon);
    encode(n, &x, &xt);
    bottleneck(n, &x, &xt);
    decode(n, &x, &xt);
    x = dmx_graph_unstandardize(g, "unstandardize", x, mean, std);
    x = dmx_graph_istft(g, "istft", x, n->h->nfft, samples);
    xt = dmx_graph_unstandardize(g, "unstandardize_t", xt, mean_t, std_t);
    dmx_graph_output(g, dmx_graph_add(g, "stems", xt, x, 1.0));
}

static dmx_status build_with(const struct dmx_model *model, int64_t samples,
                             dmx_graph *g, dmx_weights *w, dmx_error *err)
{
    network n = {.b = {g, w}, .h = model->config};
    DMX_FORWARD(dmx_htdemucs_levels(n.level, n.h, err));
    assemble(&n, samples);
    return DMX_OK;
}

static void htdemucs_build(const struct dmx_model *model, int64_t samples,
                           dmx_graph *g)
{
    dmx_weights w;
    dmx_error err = DMX_ERROR_INIT;
    dmx_status status = dmx_weights_open(&w, model->checkpoint, &err);
    if (status == DMX_OK)
        status = build_with(model, samples, g, &w, &err);
    if (status == DMX_OK && w.n_problem > 0)
        status = dmx_weights_verdict(&w, &err);
    if (status != DMX_OK)
        dmx_graph_fail(g, status, "%s", err.message);
    dmx_weights_close(&w);
    dmx_graph_prune(g);
}

/* Weights first: a graph error is often only their consequence. */
static dmx_status check_weights(const struct dmx_model *model, dmx_error *err)
{
    dmx_weights w;
    DMX_FORWARD(dmx_weights_open(&w, model->checkpoint, err));
    dmx_graph *g = dmx_graph_open();
    dmx_status status =
        g == NULL ? dmx_fail(err, DMX_ERROR_MEMORY, "no memory for the graph")
                  : build_with(model, model->training_samples, g, &w, err);
    if (status == DMX_OK)
        status = dmx_weights_verdict(&w, err);
    if (status == DMX_OK)
        status = dmx_graph_status(g, err);
    dmx_graph_close(g);
    dmx_weights_close(&w);
    return status;
}

static dmx_status take_sources(struct dmx_model *model, const dmx_json *list,
                               dmx_error *err)
{
    const dmx_json *item;
    model->source =
        calloc((size_t)dmx_json_count(list) + 1, sizeof *model->source);
    DMX_RETURN_IF(model->source == NULL, err, DMX_ERROR_MEMORY, "no memory");
    DMX_JSON_EACH (item, list) {
        DMX_RETURN_IF(!dmx_json_is_string(item) ||
                          item->valuestring[0] == '\0' ||
                          strlen(item->valuestring) > 64,
                      err, DMX_ERROR_MODEL,
                      "a source name is empty, too long or not a string");
        DMX_RETURN_IF(!dmx_is_safe_file_name(item->valuestring), err,
                      DMX_ERROR_MODEL,
                      "the source '%s' can't be the name of a file: no '/', "
                      "control characters, nor dots and blanks at its ends",
                      item->valuestring);
        char *name = strdup(item->valuestring);
        DMX_RETURN_IF(name == NULL, err, DMX_ERROR_MEMORY, "no memory");
        model->source[model->n_source++] = name;
    }
    return DMX_OK;
}

/* int(segment * samplerate): exact for a Fraction, in double for a float. */
static dmx_status take_segment(struct dmx_model *model, dmx_error *err)
{
    const dmx_json *a = model->arguments;
    const dmx_json *item = dmx_json_get(a, "segment");
    double seconds;
    DMX_FORWARD(dmx_argument_int(&model->samplerate, a, "samplerate", 1000,
                                 768000, err));
    DMX_FORWARD(
        dmx_argument_seconds(model->segment, &seconds, a, "segment", err));
    if (dmx_json_is_number(item))
        model->training_samples =
            (int64_t)(seconds * (double)model->samplerate);
    else
        model->training_samples =
            model->segment[0] * model->samplerate / model->segment[1];
    return dmx_argument_bool(&model->use_train_segment, a, "use_train_segment",
                             err);
}

/* The sinusoidal embedding starts at random.randrange(t_sin_random_shift + 1),
 * computed wherever there is a transformer
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

static dmx_status htdemucs_open(struct dmx_model *model, const dmx_hooks *hooks,
                                dmx_error *err)
{
    dmx_htdemucs *h = calloc(1, sizeof *h);
    DMX_RETURN_IF(h == NULL, err, DMX_ERROR_MEMORY, "no memory");
    model->config = h;
    DMX_FORWARD(dmx_htdemucs_parse(h, model->arguments, hooks, err));
    model->audio_channels = h->audio_channels;
    model->draws_position = draws_position(model->arguments);
    DMX_FORWARD(take_segment(model, err));
    DMX_FORWARD(
        take_sources(model, dmx_json_get(model->arguments, "sources"), err));
    return check_weights(model, err);
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
