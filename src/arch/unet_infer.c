/* Infers the shared U-Net's arguments from names and shapes. */
#include "arch/infer.h"
#include "arch/unet.h"

#include <stdio.h>
#include <string.h>

static int64_t levels_of(const struct dmx_model *m)
{
    return dmx_infer_count(m->weights, "encoder.%lld.");
}

/* A weight of a level's DConv, in the encoder or the mirrored decoder. */
static const dmx_tensor *dconv_of(const struct dmx_checkpoint *c, int64_t depth,
                                  int64_t i, const char *name)
{
    const dmx_tensor *t = dmx_infer_level(c, "encoder", i, name);
    return t != NULL ? t : dmx_infer_level(c, "decoder", depth - 1 - i, name);
}

/* The integer compression that explains every hidden width; where several do,
 * that of the released models is preferred: 8, or 4 with an LSTM. */
static int64_t compression(const struct dmx_checkpoint *c, int64_t depth,
                           int64_t usual)
{
    int64_t best = 0;
    for (int64_t k = 1; k <= 64; k++) {
        bool fits = true;
        for (int64_t i = 0; fits && i < depth; i++) {
            const dmx_tensor *t =
                dconv_of(c, depth, i, "dconv.layers.0.0.weight");
            fits = t == NULL || t->rank != 3 || t->dim[1] / k == t->dim[0];
        }
        if (fits && (best == 0 || k == usual))
            best = k;
    }
    return best;
}

/* With real and imaginary parts as channels, the input has twice the audio
 * channels; without a time branch to compare with, stereo is assumed. */
static dmx_status infer_channels(struct dmx_model *m, dmx_error *err)
{
    const dmx_tensor *first = dmx_infer_conv(m->weights, 0);
    const dmx_tensor *time =
        dmx_infer_find(m->weights, "tencoder.%lld.conv.weight", 0);
    const double in = (double)first->dim[1];
    char text[32];
    if (time != NULL && time->rank == 3)
        DMX_FORWARD(
            dmx_infer_number(m, "audio_channels", (double)time->dim[1], err));
    snprintf(text, sizeof text, "%d", in < 2.0 ? 1 : 2);
    DMX_FORWARD(dmx_model_assume(m, "audio_channels", text, err));
    return dmx_infer_bool(m, "cac",
                          in != dmx_infer_known(m, "audio_channels", 2.0), err);
}

static dmx_status infer_levels(struct dmx_model *m, int64_t depth,
                               dmx_error *err)
{
    const struct dmx_checkpoint *c = m->weights;
    const dmx_tensor *first = dmx_infer_conv(c, 0),
                     *next = dmx_infer_conv(c, 1);
    const dmx_tensor *time = dmx_infer_find(c, "tencoder.%lld.conv.weight", 0);
    const dmx_tensor *last = dmx_infer_conv(c, depth - 1);
    DMX_RETURN_IF(first->dim[0] < 1 || first->dim[1] < 1, err, DMX_ERROR_MODEL,
                  "%s: encoder.0.conv.weight has an odd shape", c->path);
    DMX_FORWARD(dmx_infer_number(m, "depth", (double)depth, err));
    DMX_FORWARD(dmx_infer_number(m, "channels", (double)first->dim[0], err));
    DMX_FORWARD(infer_channels(m, err));
    DMX_FORWARD(dmx_infer_number(m, "kernel_size", (double)first->dim[2], err));
    if (time != NULL && time->dim[0] != first->dim[0])
        DMX_FORWARD(
            dmx_infer_number(m, "channels_time", (double)time->dim[0], err));
    if (next != NULL && next->rank == 4)
        DMX_FORWARD(dmx_infer_number(
            m, "growth", (double)next->dim[0] / (double)first->dim[0], err));
    if (last != NULL && last->rank == 3)
        DMX_FORWARD(dmx_infer_number(m, "time_stride",
                                     (double)(last->dim[2] / 2), err));
    return DMX_OK;
}

/* dconv_comp of the class */
static int64_t usual_compression(const struct dmx_model *m)
{
    return strcmp(m->architecture, "htdemucs") == 0 ? 8 : 4;
}

static dmx_status infer_blocks(struct dmx_model *m, int64_t depth,
                               dmx_error *err)
{
    const struct dmx_checkpoint *c = m->weights;
    const dmx_tensor *enc = dmx_infer_level(c, "encoder", 0, "rewrite.weight");
    const dmx_tensor *dec =
        dmx_infer_level(c, "decoder", depth - 1, "rewrite.weight");
    const bool in_enc =
        dmx_infer_level(c, "encoder", 0, "dconv.layers.0.0.weight");
    const bool in_dec =
        dmx_infer_level(c, "decoder", depth - 1, "dconv.layers.0.0.weight");
    int64_t norm = 0, sublayers = 0;
    while (norm < depth &&
           dmx_infer_level(c, "encoder", norm, "norm1.weight") == NULL)
        norm++;
    char name[64];
    do
        snprintf(name, sizeof name, "dconv.layers.%lld.0.weight",
                 (long long)sublayers);
    while (dconv_of(c, depth, 0, name) != NULL && ++sublayers < 64);
    DMX_FORWARD(dmx_infer_bool(m, "rewrite", enc != NULL, err));
    if (enc != NULL)
        DMX_FORWARD(
            dmx_infer_number(m, "context_enc",
                             (double)((enc->dim[enc->rank - 1] - 1) / 2), err));
    if (dec != NULL)
        DMX_FORWARD(dmx_infer_number(
            m, "context", (double)((dec->dim[dec->rank - 1] - 1) / 2), err));
    if (norm < depth || dmx_infer_known(m, "norm_starts", -1.0) < 0.0)
        DMX_FORWARD(dmx_infer_number(
            m, "norm_starts", norm < depth ? (double)norm : (double)(depth + 1),
            err));
    DMX_FORWARD(dmx_infer_number(m, "dconv_mode",
                                 (in_enc ? 1 : 0) + (in_dec ? 2 : 0), err));
    if (sublayers > 0)
        DMX_FORWARD(dmx_infer_number(m, "dconv_depth", (double)sublayers, err));
    const int64_t comp = compression(c, depth, usual_compression(m));
    if (comp > 0 && (in_enc || in_dec))
        DMX_FORWARD(dmx_infer_number(m, "dconv_comp", (double)comp, err));
    return DMX_OK;
}

/* Rows of the frequency embedding: nfft / 2 / stride. */
static dmx_status infer_spectrogram(struct dmx_model *m, dmx_error *err)
{
    const struct dmx_checkpoint *c = m->weights;
    const dmx_tensor *table = dmx_infer_find(c, "freq_emb.embedding.weight", 0);
    const dmx_tensor *first = dmx_infer_conv(c, 0);
    char stride[32];
    snprintf(stride, sizeof stride, "%lld",
             (long long)(first->dim[2] > 1 ? first->dim[2] / 2 : 1));
    DMX_FORWARD(dmx_model_assume(m, "stride", stride, err));
    if (table == NULL) {
        DMX_FORWARD(dmx_infer_number(m, "freq_emb", 0.0, err));
        return dmx_model_assume(m, "nfft", "4096", err);
    }
    DMX_FORWARD(dmx_model_assume(m, "freq_emb", "0.2", err));
    DMX_FORWARD(dmx_model_assume(m, "emb_scale", "10", err));
    return dmx_infer_number(
        m, "nfft",
        2.0 * dmx_infer_known(m, "stride", 4.0) * (double)table->dim[0], err);
}

static dmx_status infer_bands(struct dmx_model *m, dmx_error *err)
{
    const struct dmx_checkpoint *c = m->weights;
    const int64_t levels = dmx_infer_count(c, "encoder.%lld.layers.");
    if (levels == 0)
        return dmx_infer_number(m, "multi_freqs_depth", 0.0, err);
    DMX_RETURN_IF(
        dmx_json_get(m->arguments, "multi_freqs") == NULL, err, DMX_ERROR_MODEL,
        "%s: the weights have frequency bands; say where they split, for "
        "example options.set 'multi_freqs=[0.25, 0.5]'",
        c->path);
    return dmx_infer_number(m, "multi_freqs_depth", (double)levels, err);
}

/* Assumes the default names for this number of sources. */
static dmx_status infer_sources(struct dmx_model *m, int64_t depth,
                                dmx_error *err)
{
    const dmx_tensor *t =
        dmx_infer_level(m->weights, "decoder", depth - 1, "conv_tr.weight");
    const double parts = dmx_infer_known(m, "cac", 1.0) != 0.0 ? 2.0 : 1.0;
    const double channels = parts * dmx_infer_known(m, "audio_channels", 2.0);
    const double ratio = t != NULL && t->rank == 4 && channels > 0.0
                             ? (double)t->dim[1] / channels
                             : 0.0;
    DMX_RETURN_IF(!(ratio >= 1.0 && ratio <= DMX_UNET_MAX_SOURCES), err,
                  DMX_ERROR_MODEL,
                  "%s: the number of sources can't be told from the weights",
                  m->checkpoint->path);
    return dmx_infer_sources(m, (size_t)ratio, err);
}

dmx_status dmx_unet_infer(struct dmx_model *m, dmx_error *err)
{
    const int64_t depth = levels_of(m);
    DMX_RETURN_IF(depth < 1 || depth > DMX_UNET_MAX_DEPTH, err, DMX_ERROR_MODEL,
                  "%s: no encoder levels", m->checkpoint->path);
    DMX_FORWARD(infer_levels(m, depth, err));
    DMX_FORWARD(infer_bands(m, err));
    DMX_FORWARD(infer_blocks(m, depth, err));
    return infer_spectrogram(m, err);
}

dmx_status dmx_unet_infer_rest(struct dmx_model *m, dmx_error *err)
{
    const int64_t depth = levels_of(m);
    DMX_FORWARD(infer_sources(m, depth, err));
    if (dmx_infer_known(m, "norm_starts", 1e9) < (double)depth)
        DMX_FORWARD(dmx_model_assume(m, "norm_groups", "4", err));
    return dmx_model_assume(m, "samplerate", "44100", err);
}
