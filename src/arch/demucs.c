/* Demucs (v3): a U-Net on the waveform, at twice the sample rate, with LSTMs
 * and local attention in its inner levels, or one LSTM in the middle.
 * Source: demucs/demucs.py, Demucs. */
#include "arch/architectures.h"
#include "arch/dconv.h"
#include "arch/demucs_config.h"
#include "arch/registration.h"
#include "arch/resample_taps.h"

#include <stdlib.h>

/* Everything one build needs. */
typedef struct network {
    dmx_builder *b;
    const dmx_demucs *d;
    int64_t width[DMX_DEMUCS_MAX_DEPTH];
    dmx_value saved[DMX_DEMUCS_MAX_DEPTH]; /* encoder outputs */
} network;

/* A level is an nn.Sequential: every module has a number, even those without
 * weights. */
typedef struct sequence {
    const network *n;
    char path[32]; /* "encoder.0" */
    int64_t index, place;
    dmx_value x;
} sequence;

#define NEXT(buffer, s) DMX_CHILD_INDEX(buffer, (s)->path, "", (s)->place++)

static sequence start(const network *n, const char *list, int64_t number,
                      int64_t index, dmx_value x)
{
    sequence s = {.n = n, .index = index, .x = x};
    snprintf(s.path, sizeof s.path, "%s.%lld", list, (long long)number);
    return s;
}

/* A GroupNorm, or an Identity in levels before the norms start. */
static void norm(sequence *s, int64_t channels)
{
    NEXT(path, s);
    const bool there = s->index >= s->n->d->norm_starts;
    s->x = dmx_layer_norm_groups(s->n->b, path, s->x, channels,
                                 there ? s->n->d->norm_groups : 0);
}

static void activation(sequence *s, dmx_op op)
{
    NEXT(path, s);
    s->x = dmx_graph_activation(s->n->b->g, path, op, s->x);
}

static void residual(sequence *s, int64_t channels)
{
    const dmx_demucs *d = s->n->d;
    NEXT(path, s);
    const dmx_dconv_config c = {d->dconv_depth, d->dconv_comp,
                                s->index >= d->dconv_lstm,
                                s->index >= d->dconv_attn};
    s->x = dmx_dconv(s->n->b, path, s->x, channels, &c);
}

/* Convolution, norm, GLU or ReLU: the "rewrite". */
static void rewrite(sequence *s, int64_t channels, int64_t context)
{
    const int64_t kernel[] = {1, 1 + 2 * context};
    const int64_t out = s->n->d->glu ? 2 * channels : channels;
    NEXT(path, s);
    s->x = dmx_layer_conv(
        s->n->b, path, s->x, channels, out, kernel, false,
        (dmx_conv_geometry){.padding = {{0, 0}, {context, context}}});
    norm(s, out);
    activation(s, s->n->d->glu ? DMX_OP_GLU : DMX_OP_RELU);
}

static dmx_op outer_activation(const dmx_demucs *d)
{
    return d->gelu ? DMX_OP_GELU : DMX_OP_RELU;
}

static dmx_value encoder(const network *n, int64_t i, dmx_value x)
{
    const dmx_demucs *d = n->d;
    const int64_t kernel[] = {1, d->kernel_size};
    const int64_t in = i > 0 ? n->width[i - 1] : d->audio_channels;
    sequence s = start(n, "encoder", i, i, x);
    NEXT(path, &s);
    s.x = dmx_layer_conv(n->b, path, s.x, in, n->width[i], kernel, false,
                         (dmx_conv_geometry){.stride = {1, d->stride}});
    norm(&s, n->width[i]);
    activation(&s, outer_activation(d));
    if ((d->dconv_mode & 1) != 0)
        residual(&s, n->width[i]);
    if (d->rewrite)
        rewrite(&s, n->width[i], 0);
    return s.x;
}

static void transposed_conv(sequence *s, int64_t in, int64_t out)
{
    const dmx_demucs *d = s->n->d;
    const int64_t dim[] = {in, out, d->kernel_size};
    dmx_builder *b = s->n->b;
    NEXT(path, s);
    const dmx_tensor *weight = dmx_weights_get(b->w, path, "weight", 3, dim);
    const dmx_tensor *bias = dmx_weights_vector(b->w, path, "bias", out);
    s->x =
        dmx_graph_conv_transpose(b->g, path, s->x, weight, bias,
                                 (dmx_conv_geometry){.stride = {1, d->stride}});
}

static dmx_value decoder(const network *n, int64_t i, dmx_value x)
{
    const dmx_demucs *d = n->d;
    dmx_graph *g = n->b->g;
    const int64_t out =
        i > 0 ? n->width[i - 1] : d->n_source * d->audio_channels;
    sequence s = start(n, "decoder", d->depth - 1 - i, i, x);
    const dmx_value skip = dmx_graph_crop_centre(g, s.path, n->saved[i],
                                                 dmx_graph_length(g, x, 2));
    s.x = dmx_graph_add(g, s.path, x, skip, 1.0);
    if (d->rewrite)
        rewrite(&s, n->width[i], d->context);
    if ((d->dconv_mode & 2) != 0)
        residual(&s, n->width[i]);
    transposed_conv(&s, n->width[i], out);
    if (i > 0) {
        norm(&s, out);
        activation(&s, outer_activation(d));
    }
    return s.x;
}

static dmx_value levels(network *n, dmx_value x)
{
    const dmx_demucs *d = n->d;
    for (int64_t i = 0; i < d->depth; i++)
        n->saved[i] = x = encoder(n, i, x);
    if (d->lstm_layers > 0)
        x = dmx_blstm(n->b, "lstm", x, n->width[d->depth - 1], d->lstm_layers,
                      0, false);
    for (int64_t i = d->depth; i-- > 0;)
        x = decoder(n, i, x);
    return x;
}

/* Pads x with zeros to its valid length, after the standardization. */
static dmx_value pad(const network *n, dmx_value x)
{
    dmx_graph *g = n->b->g;
    dmx_length valid;
    if (!dmx_demucs_valid_length(&valid, n->d, dmx_graph_length(g, x, 2)))
        return dmx_graph_fail(g, DMX_ERROR_UNSUPPORTED,
                              "no rule gives the padding for every input "
                              "length");
    return dmx_graph_pad_around(g, "pad", x, valid);
}

static void assemble(network *n, int64_t samples)
{
    dmx_graph *g = n->b->g;
    const dmx_demucs *d = n->d;
    const double epsilon = 1e-5;
    dmx_value mean, std;
    const dmx_value mix = samples == DMX_ANY
                              ? dmx_graph_input_any(g, d->audio_channels)
                              : dmx_graph_input(g, d->audio_channels, samples);
    dmx_value x = mix;
    if (d->normalize) {
        dmx_graph_statistics(g, "statistics", dmx_graph_mono(g, "mono", mix),
                             &mean, &std);
        x = dmx_graph_standardize(g, "standardize", x, mean, std, epsilon);
    }
    x = pad(n, x);
    if (d->resample)
        x = dmx_graph_resample(g, "upsample", x, &dmx_resample_up, 1);
    x = levels(n, x);
    if (d->resample)
        x = dmx_graph_resample(g, "downsample", x, &dmx_resample_down, 2);
    if (d->normalize)
        x = dmx_graph_unstandardize(g, "unstandardize", x, mean, std);
    dmx_graph_output(
        g, dmx_graph_crop_centre(g, "stems", x, dmx_graph_length(g, mix, 2)));
}

static dmx_status network_of(const struct dmx_model *model, int64_t samples,
                             dmx_builder *b, dmx_error *err)
{
    network n = {.b = b, .d = model->config};
    DMX_FORWARD(dmx_demucs_widths(n.width, n.d, err));
    assemble(&n, samples);
    return DMX_OK;
}

static void demucs_build(const struct dmx_model *model, int64_t samples,
                         dmx_graph *g)
{
    dmx_network_build(model, samples, g, network_of);
}

static dmx_status demucs_open(struct dmx_model *model, const dmx_hooks *hooks,
                              dmx_error *err)
{
    dmx_demucs *d = calloc(1, sizeof *d);
    (void)hooks;
    DMX_RETURN_IF(d == NULL, err, DMX_ERROR_MEMORY, "no memory");
    model->config = d;
    DMX_FORWARD(dmx_demucs_parse(d, model->arguments, err));
    model->audio_channels = d->audio_channels;
    DMX_FORWARD(dmx_network_segment(model, err));
    DMX_FORWARD(dmx_network_sources(model, err));
    DMX_FORWARD(dmx_network_names(model, network_of, err));
    return dmx_network_check(model, network_of, err);
}

/* The original's apply_model extends a piece to its valid length. */
static int64_t run_length(const dmx_json *arguments, int64_t n)
{
    dmx_demucs d;
    dmx_length valid;
    dmx_error err = DMX_ERROR_INIT;
    const bool fits = dmx_demucs_parse(&d, arguments, &err) == DMX_OK &&
                      dmx_demucs_valid_length(&valid, &d, dmx_length_fixed(n));
    return fits && valid.plus > n ? valid.plus : n;
}

static void demucs_close(struct dmx_model *model)
{
    free(model->config);
    model->config = NULL;
}

const struct dmx_architecture dmx_architecture_demucs = {
    .name = "demucs",
    .klass_name = "Demucs",
    .arguments = dmx_demucs_arguments,
    .quantized = true,
    .recognise = dmx_demucs_recognise,
    .rename = dmx_demucs_rename,
    .infer = dmx_demucs_infer,
    .open = demucs_open,
    .close = demucs_close,
    .run_length = run_length,
    .build = demucs_build,
    .assemble = network_of,
};
